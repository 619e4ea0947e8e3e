#include "page-login-code.h"
#include "account.h"
#include "db.h"
#include "event.h"
#include "log.h"
#include "page-code.h"
#include "page-device.h"
#include "page-frame.h"
#include "page-limit.h"
#include "page-session.h"
#include "settings.h"
#include "views-login.h"

static enum page_result show(struct page *page,
			     const struct page_errors *errors)
{
	const struct view_login_code v = {
		.email = page->pending_account->email
	};

	return page_show(page, view_login_code, errors, &v);
}

static enum page_result show_wrong(struct page *page)
{
	struct page_errors errors = { .count = 0 };

	log_event(LOG_LEVEL_WARNING, "login-code-failed", "account",
		  page->pending_account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_errors_add(&errors, "code", language_text(page->arena,
		page->language, MSG_wrong_code));
	return show(page, &errors);
}

struct log_in {
	struct page *page;
	const char *kind;
	/* Half way in. */
	const struct session *session;
	/* What the answer had before. */
	unsigned int cookies_count;
};

/* Begins anew each time: it may be run again. */
static int complete(struct db *db, void *context, const char **error_r)
{
	const struct log_in *log_in = context;
	struct page *page = log_in->page;
	int ret;

	page->session = log_in->session;
	page->response->cookies_count = log_in->cookies_count;
	ret = page_session_complete(page, error_r);
	if (ret > 0 &&
	    (event_add_account(db, page->arena, page->session->account_id,
			       log_in->kind, page->request->client_address,
			       error_r) < 0 ||
	     page_device_log_in(page, page->session->account_id, error_r) < 0))
		ret = -1;
	return ret;
}

static enum page_result log_in(struct page *page, bool backup)
{
	const char *kind = backup ? "login-backup-code" : "login";
	struct log_in log_in = {
		page, kind, page->session, page->response->cookies_count
	};
	const char *error;
	int ret;

	ret = db_transaction(page->db, page->arena, complete, &log_in, &error);
	if (ret < 0) {
		page->session = log_in.session;
		page->response->cookies_count = log_in.cookies_count;
		return page_failed(page, error);
	}
	if (ret == 0)
		return page_redirect(page, "/login");
	log_event(LOG_LEVEL_INFO, kind, "account", page->pending_account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	return page_redirect(page, "/home");
}

static enum page_result submit(struct page *page)
{
	enum page_result result;
	const char *error;
	bool backup;
	int ret;

	if (!page_limit_account(page, "login-code", &page->set->limit_code,
				&result))
		return result;
	ret = page_code_check(page, page->session->account_id,
			      page_field(page, "code"), &backup, &error);
	if (ret < 0)
		return page_failed(page, error);
	return ret > 0 ? log_in(page, backup) : show_wrong(page);
}

enum page_result page_login_code(struct page *page)
{
	/* Who is not half way has nothing to do here. */
	if (page->pending_account == NULL)
		return page_redirect(page, page->account == NULL ?
				     "/login" : "/home");
	if (page->request->method == HTTP_METHOD_POST)
		return submit(page);
	return show(page, NULL);
}
