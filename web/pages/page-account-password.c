#include "page-account-password.h"
#include "account.h"
#include "log.h"
#include "page-device.h"
#include "page-frame.h"
#include "page-notice.h"
#include "page-password.h"
#include "page-session.h"
#include "settings.h"
#include "views-account.h"

static enum page_result show(struct page *page,
			     const struct page_errors *errors)
{
	const struct view_account_password v = {
		.email = page->account->email,
		.password_min = page->set->password_min_length,
	};

	return page_show(page, view_account_password, errors, &v);
}

static enum page_result after_verify(struct page *page)
{
	const struct password_work *work = page->context;
	struct page_errors errors = { .count = 0 };
	const char *error;
	int ret;

	if (!work->right) {
		page_password_add_wrong(page, &errors, "old");
		return show(page, &errors);
	}
	if (!work->hashed)
		return page_failed(page, "hashing a password failed");
	ret = account_set_password(page->db, page->arena, page->account->id,
				   work->hash, work->new_hash,
				   page_device_token(page), &error);
	if (ret == 0) {
		/* Somebody else has changed it at the same time. */
		page_password_add_wrong(page, &errors, "old");
		return show(page, &errors);
	}
	if (ret > 0)
		ret = page_session_renew(page, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_redirect(page, "/login");
	log_event(LOG_LEVEL_INFO, "account-password-changed",
		  "account", page->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_notice_set(page, PAGE_NOTICE_ACCOUNT_PASSWORD, NULL, NULL);
	return page_redirect(page, "/account");
}

static enum page_result submit(struct page *page)
{
	const char *old = page_field(page, "old");
	struct page_errors errors = { .count = 0 };

	if (old[0] == '\0')
		page_errors_add(&errors, "old", language_text(page->arena,
			page->language, MSG_wrong_password_empty));
	if (!page_password_check_new(page, page->account->email,
				     PAGE_PASSWORD_BYTES_MAX, &errors) ||
	    errors.count > 0)
		return show(page, &errors);
	return page_password_verify(page, old, page_field(page, "new"),
				    after_verify);
}

enum page_result page_account_password(struct page *page)
{
	if (page->request->method == HTTP_METHOD_POST)
		return submit(page);
	return show(page, NULL);
}
