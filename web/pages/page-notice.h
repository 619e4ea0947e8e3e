#ifndef PAGE_NOTICE_H
#define PAGE_NOTICE_H

/* What was done, said once on top of the page that a redirection leads to. A
   cookie of a minute carries it, signed, so that nobody else can have the
   portal say anything. */

struct page;
struct view_notice;

enum page_notice {
	PAGE_NOTICE_NONE,
	PAGE_NOTICE_LOGGED_OUT,
	PAGE_NOTICE_SESSION_EXPIRED,
	PAGE_NOTICE_PASSWORD_RESET,
	PAGE_NOTICE_ACCOUNT_PASSWORD,
	PAGE_NOTICE_SESSIONS_ENDED,
	PAGE_NOTICE_TWO_FACTOR_OFF,
	/* With an address. */
	PAGE_NOTICE_ALIAS_ADDED,
	/* With the old and the new one. */
	PAGE_NOTICE_ALIAS_RENAMED,
	PAGE_NOTICE_ALIAS_DELETED,
	PAGE_NOTICE_MAILBOX_ASKED,
	PAGE_NOTICE_DELETION_CANCELED,
	PAGE_NOTICE_PASSWORD_CANCELED,
	PAGE_NOTICE_CREATION_CANCELED,
	PAGE_NOTICE_REQUEST_CANCELED,
	PAGE_NOTICE_REQUEST_RETRIED,
	/* Neither can be done any more. */
	PAGE_NOTICE_REQUEST_BEGUN,
	/* With the account's e-mail address, the name of the domain, the
	   mailbox and whose it is. */
	PAGE_NOTICE_ACCOUNT_CHANGED,
	PAGE_NOTICE_DOMAIN_ADDED,
	PAGE_NOTICE_DOMAIN_REMOVED,
	PAGE_NOTICE_OWNER_GIVEN,
	PAGE_NOTICE_OWNER_TAKEN,
	/* With an e-mail address, and an address. Of a portal that sends no mail
	   the second. */
	PAGE_NOTICE_ACCOUNT_MADE,
	PAGE_NOTICE_ACCOUNT_MADE_SILENT,
	PAGE_NOTICE_ACCOUNT_DELETED,
	PAGE_NOTICE_ADDRESS_FREED,

	PAGE_NOTICE_COUNT
};

/* Together with page_redirect(). Addresses that the notice does not have are
   NULL. */
void page_notice_set(struct page *page, enum page_notice notice,
		     const char *address, const char *new_address);
/* The notice that came with this request, if there is one: it is used up.
   Returns 1 or 0. */
unsigned int page_notice_take(struct page *page, struct view_notice *notice_r);

#endif
