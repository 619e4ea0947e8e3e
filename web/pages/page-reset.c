#include "page-reset.h"
#include "arena.h"
#include "log.h"
#include "notify.h"
#include "page-frame.h"
#include "page-limit.h"
#include "page-notice.h"
#include "page-password.h"
#include "page-session.h"
#include "password-reset.h"
#include "settings.h"
#include "views-login.h"

static enum page_result show_expired(struct page *page)
{
	const struct view_password_reset_expired v = {
		.valid_secs = NOTIFY_RESET_SECS
	};

	page->response->status = 404;
	return page_show(page, view_password_reset_expired, NULL, &v);
}

static enum page_result show(struct page *page, const char *token,
			     const char *email,
			     const struct page_errors *errors)
{
	const struct view_password_reset v = {
		.token = token,
		.email = email,
		.password_min = page->set->password_min_length,
	};

	return page_show(page, view_password_reset, errors, &v);
}

static enum page_result after_hash(struct page *page)
{
	const struct password_work *work = page->context;
	const char *token = page_field(page, "token"), *error;
	int ret;

	if (!work->hashed)
		return page_failed(page, "hashing a password failed");
	ret = password_reset_use(page->db, page->arena, token, work->new_hash,
				 &error);
	/* Whoever was logged in here before is not any more. */
	if (ret > 0 && page_session_end(page, &error) < 0)
		ret = -1;
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return show_expired(page);
	log_event(LOG_LEVEL_INFO, "reset-used",
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_notice_set(page, PAGE_NOTICE_PASSWORD_RESET, NULL, NULL);
	return page_redirect(page, "/login");
}

static enum page_result submit(struct page *page, const char *email)
{
	struct password_work *work = arena_new(page->arena,
					       struct password_work, 1);
	struct page_errors errors = { .count = 0 };

	if (!page_password_check_new(page, email, PAGE_PASSWORD_BYTES_MAX,
				     &errors))
		return show(page, page_field(page, "token"), email, &errors);
	work->new_password = page_field(page, "new");
	page->context = work;
	return page_run_slow(page, password_work_run, after_hash);
}

enum page_result page_reset(struct page *page)
{
	const bool post = page->request->method == HTTP_METHOD_POST;
	const char *token = post ? page_field(page, "token") :
		page_query(page, "token");
	const char *email, *error;
	enum page_result result;
	int ret;

	if (post && !page_limit_client(page, "reset-client",
				       &page->set->limit_login_address,
				       &result))
		return result;
	ret = password_reset_find(page->db, page->arena, token, &email, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return show_expired(page);
	return post ? submit(page, email) : show(page, token, email, NULL);
}
