#ifndef ADDRESS_LIST_H
#define ADDRESS_LIST_H

/* The mailboxes of the database, by address, a page at a time: there may be a
   million. Conventions: request-store.h. */

#include "request-store.h"

struct address_list_row {
	const char *address;
	/* As the mail server's table has it. */
	const char *quota;
	bool active;
	/* E-mail address of the account that it belongs to; NULL if to none. */
	const char *owner;
	/* The open request; has_request is FALSE if there is none. */
	bool has_request;
	struct request_row request;
};

/* The row is gone after the call. Returns FALSE if that is enough. */
typedef bool
address_list_callback_t(const struct address_list_row *row, void *context);

/* Calls back for each mailbox whose address matches the mask, in which * and ?
   are wildcards. Returns 0, or -1 on error. */
int address_list(struct request_store *store, const char *mask,
		 address_list_callback_t *callback, void *context,
		 const char **error_r);

/* Is there a mailbox of that address? Only letters' case does not matter: the
   collation of the mail server's tables may leave more out of account, such as
   blanks at the end or accents, and what is filed under another spelling is
   about nobody. Returns 1 if so, 0 if not, -1 on error. */
int address_find(struct request_store *store, const char *address,
		 const char **error_r);

#endif
