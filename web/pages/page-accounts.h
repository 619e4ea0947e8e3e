#ifndef PAGE_ACCOUNTS_H
#define PAGE_ACCOUNTS_H

/* Accounts, for super admins. */

#include "account-list.h"
#include "administration.h"
#include "page-frame.h"
#include "views-administration.h"

enum page_result page_accounts(struct page *page);
enum page_result page_accounts_account(struct page *page);
enum page_result page_accounts_add(struct page *page);
enum page_result page_accounts_delete(struct page *page);
enum page_result page_accounts_role(struct page *page);
enum page_result page_accounts_active(struct page *page);
enum page_result page_accounts_limits(struct page *page);
enum page_result page_accounts_log_out(struct page *page);
enum page_result page_accounts_two_factor(struct page *page);
enum page_result page_accounts_domains(struct page *page);
enum page_result page_accounts_domains_take(struct page *page);

/* ---- what those pages share */

struct accounts_page {
	struct page *page;
	struct account_details details;
	struct view_accounts_subject subject;
	struct page_errors errors;
	/* Where it goes on after a change, with the account's id. */
	const char *next;
};

enum view_role accounts_role(enum account_role role);
/* How many mailboxes or aliases a form's field says; empty leaves it to the
   settings, as does what is wrong, which is added. */
unsigned int accounts_read_limit(struct page *page, const char *field,
				 struct page_errors *errors);
/* Finds the account of "id" in the form or the query. Returns false with the
   page answered. */
bool accounts_begin(struct page *page, struct accounts_page *a_r,
		    enum page_result *result_r);
/* After a change. Returns true with the page answered: it is done, which is
   noted in the log, or was so already, or there is no such account; false with
   what is wrong, and the account read again. */
bool accounts_is_answered(struct accounts_page *a, const char *event,
			  enum administration_result changed,
			  enum page_result *result_r);

#endif
