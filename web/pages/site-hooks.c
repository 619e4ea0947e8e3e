/* What the dispatcher asks for in each request. */

#define _GNU_SOURCE /* explicit_bzero() */
#include "account.h"
#include "arena.h"
#include "bytes.h"
#include "csrf.h"
#include "db.h"
#include "housekeeping.h"
#include "http-request.h"
#include "language.h"
#include "log.h"
#include "metrics.h"
#include "outbox.h"
#include "own-lists.h"
#include "page-frame.h"
#include "page-notice.h"
#include "page-site.h"
#include "page.h"
#include "session.h"
#include "settings.h"
#include "site-cookie.h"
#include "site.h"
#include "views-error.h"

#include <string.h>

#define FORM_COOKIE_SIZE 32
#define TWO_FACTOR_PATH "/account/two-factor"

static void begin(struct page *page)
{
	const struct language *language;

	page->db = db_get(site_db_settings);
	language = language_find(site_cookie_find(page, SITE_COOKIE_LANGUAGE));
	if (language == NULL)
		language = language_from_accept(page->request->accept_language);
	if (language == NULL)
		language = language_find(page->set->default_language);
	page->language = language == NULL ? &languages[0] : language;
}

static const char *load_session(struct page *page)
{
	const char *token = site_cookie_find(page, SITE_COOKIE_SESSION);
	const char *error;
	const struct language *language;
	struct account *account;
	struct session *session;
	int ret;

	if (token == NULL)
		return NULL;
	ret = session_load(page->db, page->arena, token,
			   page->set->session_idle_secs, &session, &account,
			   &error);
	if (ret < 0)
		return error;
	if (ret == 0) {
		/* The cookie stays: another request that was on its way at
		   the same time may just have brought a new one. */
		if (page->route->role > ROUTE_ROLE_ANYONE)
			page_notice_set(page, PAGE_NOTICE_SESSION_EXPIRED,
					NULL, NULL);
		return NULL;
	}
	page->session = session;
	if (session->stage == SESSION_STAGE_CODE) {
		page->pending_account = account;
		return NULL;
	}
	page->account = account;
	language = language_find(account->language);
	if (language != NULL)
		page->language = language;
	return NULL;
}

static bool has_role(const struct page *page, enum route_role role)
{
	switch (role) {
	case ROUTE_ROLE_ANYONE:
		return true;
	case ROUTE_ROLE_USER:
		return page->account != NULL;
	case ROUTE_ROLE_ADMIN:
		return page->account->role >= ACCOUNT_ROLE_ADMIN;
	case ROUTE_ROLE_SUPER_ADMIN:
		return page->account->role == ACCOUNT_ROLE_SUPER_ADMIN;
	}
	return false;
}

/* Who must have a second factor and has none yet gets nowhere else. */
static const char *detour(const struct page *page)
{
	static const char *const free_paths[] = {
		TWO_FACTOR_PATH, "/logout", "/language"
	};
	unsigned int i;

	if (page->account == NULL || page->account->two_factor ||
	    (page->set->two_factor_required &
	     (1U << page->account->role)) == 0)
		return NULL;
	for (i = 0; i < sizeof(free_paths) / sizeof(free_paths[0]); i++) {
		if (strcmp(page->request->path, free_paths[i]) == 0)
			return NULL;
	}
	return TWO_FACTOR_PATH;
}

/* The key of the forms of a browser without a session. Who cannot ask this
   portal for a form cannot make up a cookie and a token that go together. */
static bool form_cookie_key(const char *value,
			    unsigned char key_r[CSRF_KEY_SIZE])
{
	unsigned char bytes[FORM_COOKIE_SIZE];

	_Static_assert(CSRF_KEY_SIZE == SECRET_KEY_SIZE, "size of an HMAC");
	if (value == NULL || !bytes_from_hex(value, bytes, sizeof(bytes)))
		return false;
	secret_key_hmac(site_secret_key, "form cookie", bytes, sizeof(bytes),
			key_r);
	return true;
}

const unsigned char *site_csrf_key(struct page *page)
{
	unsigned char bytes[FORM_COOKIE_SIZE];
	char value[2 * FORM_COOKIE_SIZE + 1];
	unsigned char *key;

	if (page->session != NULL)
		return page->session->csrf_key;
	key = arena_alloc(page->arena, CSRF_KEY_SIZE);
	if (form_cookie_key(site_cookie_find(page, SITE_COOKIE_FORM), key))
		return key;
	bytes_random(bytes, sizeof(bytes));
	bytes_to_hex(bytes, sizeof(bytes), value);
	(void)form_cookie_key(value, key);
	site_cookie_set(page, SITE_COOKIE_FORM, value, 0);
	return key;
}

static bool csrf_is_valid(const struct page *page)
{
	const char *token = http_request_field(page->request, "csrf");
	unsigned char key[CSRF_KEY_SIZE];
	bool valid;

	if (page->session != NULL)
		return csrf_token_check(page->session->csrf_key,
					SITE_CSRF_FORM, token);
	valid = form_cookie_key(site_cookie_find(page, SITE_COOKIE_FORM),
				key) &&
		csrf_token_check(key, SITE_CSRF_FORM, token);
	explicit_bzero(key, sizeof(key));
	return valid;
}

static void end_form(struct page *page)
{
	if (page->account != NULL)
		own_lists_forget();
}

static bool database_is_away(const struct page *page)
{
	return db_is_unavailable(page->db);
}

/* Who tries what is not for him leaves a trace: a form without its token, and
   what an account may not see or is not there. */
static void log_refusal(const struct page *page)
{
	const struct http_request *request = page->request;
	const char *account = page->account == NULL ? NULL :
		page->account->email;

	if (page->response->status == 403)
		log_event(LOG_LEVEL_WARNING, "form-refused", "path",
			  request->path, "account", account,
			  "client", request->client_address,
			  "request", request->id, NULL);
	else if (page->response->status == 404 && account != NULL)
		log_event(LOG_LEVEL_INFO, "page-refused", "path",
			  request->path, "account", account,
			  "client", request->client_address,
			  "request", request->id, NULL);
}

static void render_error(struct page *page)
{
	struct http_response *response = page->response;
	const struct view_frame *frame = page_frame_of_error(page);
	const struct view_error_page v = {
		.status = response->status,
		.request_id = page->request->id,
		.retry_after_secs = response->retry_after,
	};
	const struct view_too_busy busy = {
		.retry_after_secs = response->retry_after,
	};

	log_refusal(page);
	if (response->status == 503 && !database_is_away(page))
		view_too_busy(&response->body, frame, &busy);
	else
		view_error_page(&response->body, frame, &v);
	response->content_type = PAGE_CONTENT_TYPE;
}

static bool is_ready(void)
{
	struct arena *arena = arena_create();
	const char *error;
	int ret;

	ret = schema_check(db_get(site_db_settings), arena, &error);
	arena_free(&arena);
	return ret > 0;
}

/* If the database does not answer, it is not known. */
static void measure(void)
{
	struct arena *arena = arena_create();
	struct db *db = db_get(site_db_settings);
	uint64_t sessions, mails;
	const char *error;
	int ret;

	ret = session_count(db, arena, site_settings->session_idle_secs,
			    &sessions, &error);
	metrics_gauge_set(METRICS_SESSIONS, ret < 0 ? METRICS_UNKNOWN :
			  (int64_t)sessions);
	if (ret == 0)
		ret = outbox_count(db, arena, &mails, &error);
	metrics_gauge_set(METRICS_MAILS_WAITING, ret < 0 ? METRICS_UNKNOWN :
			  (int64_t)mails);
	arena_free(&arena);
}

const struct page_hooks page_hooks = {
	.begin = begin,
	.load_session = load_session,
	.has_role = has_role,
	.detour = detour,
	.csrf_is_valid = csrf_is_valid,
	.end_form = end_form,
	.render_error = render_error,
	.database_is_away = database_is_away,
	.is_ready = is_ready,
	.measure = measure,
};
