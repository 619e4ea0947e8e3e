#include "page-login.h"
#include "account.h"
#include "arena.h"
#include "db.h"
#include "event.h"
#include "log.h"
#include "names.h"
#include "page-device.h"
#include "page-frame.h"
#include "page-limit.h"
#include "page-session.h"
#include "portal-password.h"
#include "settings.h"
#include "views-login.h"

#include <string.h>

/* What no password of ours is longer than: it would only keep the hash busy. */
#define PASSWORD_MAX 512

struct login {
	const char *email, *password;
	/* Without an account hash is NULL, and as much is done. */
	const struct account *account;
	const char *hash;
	bool right, upgraded;
	char new_hash[PORTAL_PASSWORD_HASH_SIZE];
	/* What the answer has besides the log-in's. */
	unsigned int cookies_count;
};

static enum page_result show(struct page *page, const char *email,
			     const struct page_errors *errors)
{
	const struct view_login v = {
		.email = email,
		.can_register = page->set->registration != REGISTRATIONS_OFF,
	};

	return page_show(page, view_login, errors, &v);
}

/* The same words, whatever was wrong. */
static enum page_result show_wrong(struct page *page, const struct login *login)
{
	struct page_errors errors = { .count = 0 };

	log_event(LOG_LEVEL_WARNING, "login-failed", "account", login->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_errors_add(&errors, "password", language_text(page->arena,
		page->language, MSG_wrong_login));
	return show(page, login->email, &errors);
}

static void verify(void *context)
{
	struct login *login = context;

	login->right = portal_password_verify(login->hash, login->password) &&
		login->account != NULL;
	if (login->right && portal_password_needs_rehash(login->hash))
		login->upgraded = portal_password_hash(login->password,
						       login->new_hash);
}

static int upgrade_hash(struct page *page, struct login *login,
			const char **error_r)
{
	int ret;

	ret = account_upgrade_hash(page->db, page->arena, login->account->id,
				   login->hash, login->new_hash, error_r);
	if (ret > 0)
		login->hash = login->new_hash;
	return ret;
}

/* The password may have been changed while it was looked at: whoever changes it
   from now on waits for the session to be there, and ends it. Returns 1 if the
   one that was verified is still the account's. */
static int check_again(struct page *page, const struct login *login,
		       const char **error_r)
{
	const char *hash;
	int ret;

	ret = account_get_hash(page->db, page->arena, login->account->id,
			       &hash, error_r);
	if (ret > 0 && strcmp(hash, login->hash) != 0)
		ret = 0;
	return ret;
}

/* Begins anew each time: it may be run again. */
static int begin_session(struct db *db, void *context, const char **error_r)
{
	struct page *page = context;
	const struct login *login = page->context;
	const struct account *account = login->account;
	int ret;

	page->response->cookies_count = login->cookies_count;
	ret = page_session_create(page, account->id, account->two_factor ?
				  SESSION_STAGE_CODE : SESSION_STAGE_FULL,
				  error_r);
	if (ret > 0)
		ret = check_again(page, login, error_r);
	if (ret > 0 && !account->two_factor &&
	    (event_add_account(db, page->arena, account->id, "login",
			       page->request->client_address, error_r) < 0 ||
	     page_device_log_in(page, account->id, error_r) < 0))
		ret = -1;
	return ret;
}

static int log_in(struct page *page, struct login *login, const char **error_r)
{
	int ret;

	login->cookies_count = page->response->cookies_count;
	if (login->upgraded && upgrade_hash(page, login, error_r) < 0)
		return -1;
	ret = db_transaction(page->db, page->arena, begin_session, page,
			     error_r);
	if (ret <= 0)
		page->response->cookies_count = login->cookies_count;
	return ret;
}

static enum page_result after_verify(struct page *page)
{
	struct login *login = page->context;
	const char *error;
	int ret;

	if (!login->right)
		return show_wrong(page, login);
	ret = log_in(page, login, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return show_wrong(page, login);
	log_event(LOG_LEVEL_INFO, login->account->two_factor ?
		  "login-password" : "login", "account", login->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	return page_redirect(page, login->account->two_factor ?
			     "/login/code" : "/home");
}

static enum page_result submit(struct page *page)
{
	struct login *login = arena_new(page->arena, struct login, 1);
	struct account *account = NULL;
	struct page_errors errors = { .count = 0 };
	enum page_result result;
	const char *error;

	login->email = page_field(page, "email");
	login->password = page_field(page, "password");
	if (!address_is_email(login->email))
		page_errors_add(&errors, "email", language_text(page->arena,
			page->language, MSG_wrong_email));
	if (login->password[0] == '\0')
		page_errors_add(&errors, "password", language_text(page->arena,
			page->language, MSG_wrong_password_empty));
	if (errors.count > 0)
		return show(page, login->email, &errors);
	/* The client's first: who has used it up cannot use up others'. */
	if (!page_limit_client(page, "login-client",
			       &page->set->limit_login_address, &result) ||
	    !page_limit(page, "login-account", login->email,
			&page->set->limit_login_account, &result))
		return result;
	if (account_find(page->db, page->arena, login->email, &account,
			 &login->hash, &error) < 0)
		return page_failed(page, error);
	login->account = account;
	if (strlen(login->password) > PASSWORD_MAX) {
		login->password = "";
		login->hash = NULL;
	}
	page->context = login;
	return page_run_slow(page, verify, after_verify);
}

enum page_result page_login(struct page *page)
{
	if (page->request->method == HTTP_METHOD_POST)
		return submit(page);
	if (page->account != NULL)
		return page_redirect(page, "/home");
	return show(page, NULL, NULL);
}
