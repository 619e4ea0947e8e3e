#define _GNU_SOURCE /* explicit_bzero() */
#include "page-two-factor.h"
#include "account.h"
#include "arena.h"
#include "buffer.h"
#include "log.h"
#include "page-backup-codes.h"
#include "page-frame.h"
#include "page-limit.h"
#include "page-notice.h"
#include "page-password.h"
#include "page-session.h"
#include "settings.h"
#include "site.h"
#include "two-factor.h"
#include "views-account.h"

#include <qrencode.h>
#include <string.h>

static bool is_required(const struct page *page)
{
	return (page->set->two_factor_required &
		(1U << page->account->role)) != 0;
}

static void tell(const struct page *page, const char *event)
{
	log_event(LOG_LEVEL_INFO, event, "account", page->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
}

/* ---- on */

enum page_result page_two_factor_show(struct page *page,
				      const struct page_errors *errors)
{
	struct view_two_factor_on v = { .is_required = is_required(page) };
	struct account_dates dates = { .two_factor_since = 0 };
	struct two_factor two_factor;
	const char *error;
	int ret;

	ret = two_factor_load(page->db, page->arena, page->account->id,
			      &two_factor, &error);
	if (ret > 0)
		v.backup_codes_left = two_factor.codes_left;
	if (ret >= 0)
		ret = account_get_dates(page->db, page->arena,
					page->account->id, &dates, &error);
	if (ret < 0)
		return page_failed(page, error);
	v.since = dates.two_factor_since;
	return page_show(page, view_two_factor_on, errors, &v);
}

static enum page_result after_verify(struct page *page)
{
	const struct password_work *work = page->context;
	struct page_errors errors = { .count = 0 };
	const char *error;
	int ret;

	if (!work->right) {
		page_password_add_wrong(page, &errors, "off-password");
		return page_two_factor_show(page, &errors);
	}
	ret = two_factor_disable(page->db, page->arena, page->account->id,
				 &error);
	if (ret >= 0)
		ret = page_session_renew(page, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_redirect(page, "/login");
	tell(page, "two-factor-off");
	page_notice_set(page, PAGE_NOTICE_TWO_FACTOR_OFF, NULL, NULL);
	return page_redirect(page, "/account");
}

static enum page_result submit_off(struct page *page)
{
	/* The page has no button for it. */
	if (is_required(page))
		return page_error(page, 400);
	return page_password_verify(page, page_field(page, "off-password"),
				    NULL, after_verify);
}

/* ---- being set up */

/* The secret that was made before, if it still opens, else a new one; it counts
   for nothing until a code was right. Returns 1 or, if there is a confirmed one
   meanwhile, 0. */
static int get_secret(struct page *page, struct totp_secret *secret_r,
		      const char **error_r)
{
	unsigned char sealed[TOTP_SEALED_SIZE];
	const uint64_t account_id = page->account->id;
	struct two_factor two_factor;
	int ret;

	ret = two_factor_load(page->db, page->arena, account_id, &two_factor,
			      error_r);
	if (ret < 0)
		return -1;
	if (ret > 0 && two_factor.confirmed)
		return 0;
	if (ret > 0 && totp_secret_open(site_secret_key, account_id,
					two_factor.sealed,
					sizeof(two_factor.sealed), secret_r))
		return 1;
	totp_secret_generate(secret_r);
	if (!totp_secret_seal(site_secret_key, account_id, secret_r, sealed)) {
		*error_r = "sealing a TOTP secret failed";
		return -1;
	}
	return two_factor_begin(page->db, page->arena, account_id, sealed,
				error_r);
}

static bool draw(struct page *page, const struct totp_secret *secret,
		 struct view_two_factor *v)
{
	struct buffer path = BUFFER_INIT;
	QRcode *code;

	code = QRcode_encodeString(totp_uri(page->arena, secret,
					    page->set->product_name,
					    page->account->email),
				   0, QR_ECLEVEL_M, QR_MODE_8, 1);
	if (code == NULL)
		return false;
	view_qr_path(&path, code->data, (unsigned int)code->width);
	v->qr_size = (unsigned int)code->width + 2 * VIEW_QR_MARGIN;
	v->qr_path = arena_strdup(page->arena, buffer_str(&path));
	buffer_free(&path);
	explicit_bzero(code->data, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
	return true;
}

static enum page_result show_setup(struct page *page,
				   const struct page_errors *errors)
{
	struct view_two_factor v = { .is_required = is_required(page) };
	char *text = arena_alloc(page->arena, TOTP_SECRET_TEXT_SIZE);
	struct totp_secret secret;
	const char *error;
	bool drawn;
	int ret;

	ret = get_secret(page, &secret, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_two_factor_show(page, NULL);
	totp_secret_to_text(&secret, text);
	drawn = draw(page, &secret, &v);
	totp_secret_wipe(&secret);
	if (!drawn)
		return page_failed(page, "QRcode_encodeString() failed");
	v.secret = text;
	return page_show(page, view_two_factor, errors, &v);
}

static enum page_result confirm(struct page *page,
				const struct two_factor *two_factor,
				uint64_t step)
{
	struct backup_code_hashes hashes;
	const char *const *codes = page_backup_codes_make(page, &hashes);
	const char *error;
	int ret;

	ret = two_factor_confirm(page->db, page->arena, page->account->id,
				 two_factor->sealed, step, &hashes, &error);
	if (ret == 0)
		return page_redirect(page, "/account/two-factor");
	if (ret > 0)
		ret = page_session_renew(page, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_redirect(page, "/login");
	tell(page, "two-factor-on");
	return page_backup_codes_show(page, codes);
}

/* With the password: who has found the browser open cannot lock its owner
   out. */
static enum page_result check_code(struct page *page)
{
	const struct password_work *work = page->context;
	struct page_errors errors = { .count = 0 };
	struct two_factor two_factor;
	struct totp_secret secret;
	char code[TOTP_DIGITS + 1];
	const char *error;
	uint64_t step;
	bool right;
	int ret;

	if (!work->right) {
		page_password_add_wrong(page, &errors, "password");
		return show_setup(page, &errors);
	}
	ret = two_factor_load(page->db, page->arena, page->account->id,
			      &two_factor, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0 || two_factor.confirmed)
		return page_redirect(page, "/account/two-factor");
	right = totp_code_parse(page_field(page, "code"), code) &&
		totp_secret_open(site_secret_key, page->account->id,
				 two_factor.sealed, sizeof(two_factor.sealed),
				 &secret) &&
		totp_verify(&secret, code, two_factor.now, 0, &step);
	totp_secret_wipe(&secret);
	if (right)
		return confirm(page, &two_factor, step);
	page_errors_add(&errors, "code", language_text(page->arena,
		page->language, MSG_wrong_code));
	return show_setup(page, &errors);
}

static enum page_result submit_code(struct page *page)
{
	enum page_result result;

	if (!page_limit_account(page, "two-factor-code",
				&page->set->limit_code, &result))
		return result;
	return page_password_verify(page, page_field(page, "password"), NULL,
				    check_code);
}

enum page_result page_two_factor(struct page *page)
{
	const bool on = page->account->two_factor;

	if (page->request->method != HTTP_METHOD_POST)
		return on ? page_two_factor_show(page, NULL) :
			show_setup(page, NULL);
	if (strcmp(page_field(page, "off"), "1") != 0)
		return submit_code(page);
	return on ? submit_off(page) :
		page_redirect(page, "/account/two-factor");
}
