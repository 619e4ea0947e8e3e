#include "gallery.h"

static void login(struct gallery *gallery)
{
	const struct view_login v = { .can_register = true };

	gallery_log_out(gallery);
	view_login(&gallery->out, &gallery->frame, &v);
}

static void login_wrong(struct gallery *gallery)
{
	const struct view_login v = { .email = "anna@example.org" };

	gallery_log_out(gallery);
	gallery_error(gallery, "email", TEXT(MSG_wrong_login));
	view_login(&gallery->out, &gallery->frame, &v);
}

static void login_empty(struct gallery *gallery)
{
	const struct view_login v = { .email = "<b>\"anna'&" };

	gallery_log_out(gallery);
	gallery_error(gallery, "email", TEXT(MSG_wrong_email));
	gallery_error(gallery, "password", TEXT(MSG_wrong_password_empty));
	view_login(&gallery->out, &gallery->frame, &v);
}

static void login_after(struct gallery *gallery)
{
	const struct view_login v = { .email = NULL };

	gallery_log_out(gallery);
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS, TEXT(MSG_notice_logged_out));
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_password_reset));
	gallery_notice(gallery, VIEW_NOTICE_INFO,
		       TEXT(MSG_notice_session_expired));
	view_login(&gallery->out, &gallery->frame, &v);
}

static void login_code(struct gallery *gallery)
{
	const struct view_login_code v = { "anna@example.org" };

	gallery_log_out(gallery);
	view_login_code(&gallery->out, &gallery->frame, &v);
}

static void login_code_wrong(struct gallery *gallery)
{
	const struct view_login_code v = { "anna@example.org" };

	gallery_log_out(gallery);
	gallery_error(gallery, "code", TEXT(MSG_wrong_code));
	view_login_code(&gallery->out, &gallery->frame, &v);
}

static void forgotten(struct gallery *gallery)
{
	const struct view_password_forgotten v = { NULL };

	gallery_log_out(gallery);
	view_password_forgotten(&gallery->out, &gallery->frame, &v);
}

static void forgotten_sent(struct gallery *gallery)
{
	const struct view_password_forgotten_sent v = {
		"anna@example.org", 3600
	};

	gallery_log_out(gallery);
	gallery->frame.path = NULL;
	view_password_forgotten_sent(&gallery->out, &gallery->frame, &v);
}

static void reset(struct gallery *gallery)
{
	const struct view_password_reset v = {
		"d41d8cd98f00b204e9800998ecf8427e", "anna@example.org", 12
	};

	gallery_log_out(gallery);
	view_password_reset(&gallery->out, &gallery->frame, &v);
}

static void reset_expired(struct gallery *gallery)
{
	const struct view_password_reset_expired v = { 3600 };

	gallery_log_out(gallery);
	view_password_reset_expired(&gallery->out, &gallery->frame, &v);
}

static void error_page(struct gallery *gallery, unsigned int status)
{
	const struct view_error_page v = {
		status, "9f86d081884c7d65", status == 429 ? 840 : 0
	};

	view_error_page(&gallery->out, &gallery->frame, &v);
}

#define ERROR_PAGE(status) \
	static void error_##status(struct gallery *gallery) \
	{ \
		error_page(gallery, status); \
	}
ERROR_PAGE(400)
ERROR_PAGE(403)
ERROR_PAGE(404)
ERROR_PAGE(405)
ERROR_PAGE(413)
ERROR_PAGE(429)
ERROR_PAGE(431)
ERROR_PAGE(500)
ERROR_PAGE(503)

static void too_busy(struct gallery *gallery)
{
	const struct view_too_busy v = { 10 };

	gallery_log_out(gallery);
	gallery->frame.path = NULL;
	view_too_busy(&gallery->out, &gallery->frame, &v);
}

const struct gallery_page gallery_login_pages[] = {
	{ "login", login },
	{ "login-wrong", login_wrong },
	{ "login-empty", login_empty },
	{ "login-after", login_after },
	{ "login-code", login_code },
	{ "login-code-wrong", login_code_wrong },
	{ "password-forgotten", forgotten },
	{ "password-forgotten-sent", forgotten_sent },
	{ "password-reset", reset },
	{ "password-reset-expired", reset_expired },
	{ "error-400", error_400 },
	{ "error-403", error_403 },
	{ "error-404", error_404 },
	{ "error-405", error_405 },
	{ "error-413", error_413 },
	{ "error-429", error_429 },
	{ "error-431", error_431 },
	{ "error-500", error_500 },
	{ "error-503", error_503 },
	{ "too-busy", too_busy },
	{ NULL, NULL }
};
