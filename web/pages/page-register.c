#include "page-register.h"
#include "arena.h"
#include "invitation.h"
#include "log.h"
#include "mail-compose.h"
#include "page-frame.h"
#include "page-limit.h"
#include "page-password.h"
#include "rate-limit.h"
#include "registration.h"
#include "settings.h"
#include "site.h"
#include "text.h"
#include "views-join.h"

#include <string.h>

/* Fewer are no reason. */
#define REASON_MIN 10

static const char *own_text(const struct page *page)
{
	const char *text = strcmp(page->language->code, "fr") == 0 ?
		page->set->registration_text_fr :
		page->set->registration_text_en;

	return text[0] == '\0' ? NULL : text;
}

static bool wants_code(const struct page *page)
{
	return page->set->registration == REGISTRATIONS_INVITED;
}

static enum page_result show(struct page *page,
			     const struct page_errors *errors)
{
	const bool post = page->request->method == HTTP_METHOD_POST;
	const struct view_register v = {
		.email = page_field(page, "email"),
		.reason = page_field(page, "reason"),
		.code = post ? page_field(page, "code") :
			page_query(page, "code"),
		.wants_code = wants_code(page),
		.text = own_text(page),
		.reason_max = REGISTRATION_REASON_MAX,
		.password_min = page->set->password_min_length,
	};

	return page_show(page, view_register, errors, &v);
}

static void wrong(struct page *page, struct page_errors *errors,
		  const char *field, enum message message)
{
	page_errors_add(errors, field, language_text_values(page->arena,
		page->language, message, LANGUAGE_VALUES()));
}

static void check(struct page *page, struct page_errors *errors)
{
	const char *email = page_field(page, "email");
	const char *reason = page_field(page, "reason");
	unsigned char hash[INVITATION_HASH_SIZE];

	if (wants_code(page) && !invitation_code_hash(site_secret_key,
				page_field(page, "code"), hash))
		wrong(page, errors, "code", MSG_wrong_invitation);
	if (!mail_address_is_safe(email))
		wrong(page, errors, "email", MSG_wrong_email);
	(void)page_password_check_new(page, email, PAGE_PASSWORD_BYTES_MAX,
				      errors);
	if (text_characters(reason + strspn(reason, " \t\n")) < REASON_MIN)
		wrong(page, errors, "reason", MSG_wrong_reason_short);
	else if (text_characters(reason) > REGISTRATION_REASON_MAX)
		wrong(page, errors, "reason", MSG_wrong_reason_long);
}

static int file(struct page *page, const char *hash,
		enum registration_result *result_r, const char **error_r)
{
	unsigned char code_hash[INVITATION_HASH_SIZE];
	const struct registration_new new = {
		.email = page_field(page, "email"),
		.hash = hash,
		.language = page->language->code,
		.reason = page_field(page, "reason"),
		.network = rate_limit_network(page->arena,
					      page->request->client_address),
		.code_hash = wants_code(page) &&
			invitation_code_hash(site_secret_key,
					     page_field(page, "code"),
					     code_hash) ? code_hash : NULL,
	};

	return registration_file(page->db, page->arena, &new, result_r,
				 error_r);
}

/* Whether there is such an account is looked up later, by who sends the mail:
   here nothing depends on it, neither words nor time. */
static enum page_result after_hash(struct page *page)
{
	const struct password_work *work = page->context;
	const struct view_register_sent v = {
		.email = page_field(page, "email"),
		.valid_secs = REGISTRATION_SECS,
	};
	struct page_errors errors = { .count = 0 };
	enum registration_result result;
	const char *error;

	if (!work->hashed)
		return page_failed(page, "hashing a password failed");
	if (file(page, work->new_hash, &result, &error) < 0)
		return page_failed(page, error);
	if (result == REGISTRATION_INVITATION)
		wrong(page, &errors, "code", MSG_wrong_invitation);
	else if (result != REGISTRATION_DONE)
		wrong(page, &errors, "email", MSG_wrong_email);
	if (errors.count > 0)
		return show(page, &errors);
	log_event(LOG_LEVEL_INFO, "registration-filed", "account", v.email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	return page_show(page, view_register_sent, NULL, &v);
}

static enum page_result submit(struct page *page)
{
	struct password_work *work = arena_new(page->arena,
					       struct password_work, 1);
	struct page_errors errors = { .count = 0 };
	enum page_result result;

	check(page, &errors);
	if (errors.count > 0)
		return show(page, &errors);
	if (!page_limit_client(page, "register-client",
			       &page->set->limit_registration_address,
			       &result) ||
	    !page_limit(page, "register-account", page_field(page, "email"),
			&page->set->limit_registration_account, &result))
		return result;
	work->new_password = page_field(page, "new");
	page->context = work;
	return page_run_slow(page, password_work_run, after_hash);
}

enum page_result page_register(struct page *page)
{
	if (page->set->registration == REGISTRATIONS_OFF)
		return page_error(page, 404);
	if (page->account != NULL)
		return page_redirect(page, "/home");
	if (page->request->method == HTTP_METHOD_POST)
		return submit(page);
	return show(page, NULL);
}

/* ---- the link */

static enum page_result show_expired(struct page *page)
{
	const struct view_register_expired v = {
		.valid_secs = REGISTRATION_SECS
	};

	page->response->status = 404;
	return page_show(page, view_register_expired, NULL, &v);
}

/* Mail scanners follow links too, and confirm nothing. */
static enum page_result show_link(struct page *page)
{
	const char *token = page_query(page, "token"), *error;
	struct registration registration;
	int ret;

	ret = registration_find_link(page->db, page->arena, token,
				     &registration, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return show_expired(page);
	const struct view_register_confirm v = {
		.token = token,
		.email = registration.email,
		.reason = registration.reason,
		.network = registration.network,
		.asked = registration.created,
	};
	return page_show(page, view_register_confirm, NULL, &v);
}

enum page_result page_register_confirm(struct page *page)
{
	struct view_register_confirmed v = { .has_account = false };
	enum registration_result result;
	enum page_result answer;
	const char *error;

	if (page->set->registration == REGISTRATIONS_OFF)
		return page_error(page, 404);
	if (page->request->method != HTTP_METHOD_POST)
		return show_link(page);
	if (!page_limit_client(page, "confirm-client",
			       &page->set->limit_login_address, &answer))
		return answer;
	if (registration_confirm(page->db, page->arena,
				 page_field(page, "token"), &result,
				 &error) < 0)
		return page_failed(page, error);
	if (result == REGISTRATION_NOT_FOUND)
		return show_expired(page);
	log_event(LOG_LEVEL_INFO, "registration-confirmed",
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	v.has_account = result == REGISTRATION_ACCOUNT;
	return page_show(page, view_register_confirmed, NULL, &v);
}
