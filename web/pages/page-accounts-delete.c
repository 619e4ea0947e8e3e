#include "page-accounts.h"
#include "log.h"
#include "page-notice.h"

#include <string.h>

static enum page_result show(struct accounts_page *a)
{
	const struct view_accounts_delete v = {
		.subject = a->subject, .mailboxes = a->details.mailboxes,
	};

	return page_show(a->page, view_accounts_delete, &a->errors, &v);
}

static enum page_result refuse(struct accounts_page *a)
{
	const struct page *page = a->page;

	page_errors_add(&a->errors, "typed", language_text(page->arena,
		page->language, MSG_wrong_typed,
		LANGUAGE_TEXT("address", a->subject.email)));
	return show(a);
}

static enum page_result answer_done(struct accounts_page *a)
{
	struct page *page = a->page;

	log_event(LOG_LEVEL_INFO, "account-deleted",
		  "account", page->account->email,
		  "subject", a->subject.email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_notice_set(page, PAGE_NOTICE_ACCOUNT_DELETED, a->subject.email,
			NULL);
	return page_redirect(page, "/accounts");
}

enum page_result page_accounts_delete(struct page *page)
{
	enum administration_result changed;
	enum page_result result;
	struct accounts_page a;
	const char *error;

	if (!accounts_begin(page, &a, &result))
		return result;
	if (page->request->method != HTTP_METHOD_POST)
		return show(&a);
	if (!a.subject.is_own &&
	    strcmp(page_field(page, "typed"), a.subject.email) != 0)
		return refuse(&a);
	if (administration_delete_account(page->db, page->arena,
					  page->account->id,
					  a.details.account->id, &changed,
					  &error) < 0)
		return page_failed(page, error);
	if (changed == ADMINISTRATION_DONE)
		return answer_done(&a);
	return accounts_is_answered(&a, "account-deleted", changed, &result) ?
		result : show(&a);
}
