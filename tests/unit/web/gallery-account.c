#include "gallery.h"

static void account(struct gallery *gallery)
{
	const struct view_account v = {
		.email = "anna@example.org", .role = VIEW_ROLE_USER,
		.sessions = 2, .password_changed = GALLERY_NOW - 9000000,
	};

	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_account_password));
	gallery_notice(gallery, VIEW_NOTICE_INFO,
		       TEXT(MSG_notice_two_factor_off));
	view_account(&gallery->out, &gallery->frame, &v);
}

static void account_two_factor(struct gallery *gallery)
{
	const struct view_account v = {
		.email = "anna@example.org", .role = VIEW_ROLE_SUPER_ADMIN,
		.has_two_factor = true, .backup_codes_left = 7, .sessions = 1,
		.password_changed = GALLERY_NOW - 9000000,
	};

	view_account(&gallery->out, &gallery->frame, &v);
}

static void account_required(struct gallery *gallery)
{
	const struct view_account v = {
		.email = "anna@example.org", .role = VIEW_ROLE_ADMIN,
		.is_two_factor_required = true, .sessions = 1,
		.password_changed = GALLERY_NOW - 9000000,
	};

	view_account(&gallery->out, &gallery->frame, &v);
}

static void account_password(struct gallery *gallery)
{
	const struct view_account_password v = { "anna@example.org", 12 };

	view_account_password(&gallery->out, &gallery->frame, &v);
}

static void account_password_wrong(struct gallery *gallery)
{
	const struct view_account_password v = { "anna@example.org", 12 };

	gallery_error(gallery, "old", TEXT(MSG_wrong_password));
	gallery_error(gallery, "new", TEXT(MSG_wrong_password_long,
					   LANGUAGE_NUMBER("max", 128)));
	view_account_password(&gallery->out, &gallery->frame, &v);
}

static void account_sessions(struct gallery *gallery)
{
	const struct view_session sessions[] = {
		{ "1", GALLERY_NOW - 3000, GALLERY_NOW, "Firefox, Linux",
		  "192.0.2.17", true },
		{ "2", GALLERY_NOW - 30000, GALLERY_NOW - 5000,
		  "Safari, iPhone", "2001:db8:85a3::8a2e:370:7334", false },
		{ "3", GALLERY_NOW - 40000, GALLERY_NOW - 39000, NULL, NULL,
		  false },
	};
	const struct view_account_sessions v = { sessions, 3, 7200, 43200 };

	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_sessions_ended));
	view_account_sessions(&gallery->out, &gallery->frame, &v);
}

static void account_session(struct gallery *gallery)
{
	const struct view_session sessions[] = {
		{ "1", GALLERY_NOW - 3000, GALLERY_NOW, "Firefox, Linux",
		  "192.0.2.17", true },
	};
	const struct view_account_sessions v = { sessions, 1, 7200, 43200 };

	view_account_sessions(&gallery->out, &gallery->frame, &v);
}

/* Looks like one; nobody scans it. */
static const char *qr_path(struct gallery *gallery, unsigned int width)
{
	unsigned char *modules = arena_alloc(gallery->arena, width * width);
	struct buffer path = BUFFER_INIT;
	const char *text;

	for (unsigned int i = 0; i < width * width; i++)
		modules[i] = (i * 7919 % 101 + i * i % 13) & 1;
	view_qr_path(&path, modules, width);
	text = arena_strdup(gallery->arena, buffer_str(&path));
	buffer_free(&path);
	return text;
}

static void two_factor(struct gallery *gallery)
{
	const struct view_two_factor v = {
		"JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", qr_path(gallery, 33),
		33 + 2 * VIEW_QR_MARGIN, false
	};

	view_two_factor(&gallery->out, &gallery->frame, &v);
}

static void two_factor_required(struct gallery *gallery)
{
	const struct view_two_factor v = {
		"JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", qr_path(gallery, 33),
		33 + 2 * VIEW_QR_MARGIN, true
	};

	gallery_error(gallery, "code", TEXT(MSG_wrong_code));
	view_two_factor(&gallery->out, &gallery->frame, &v);
}

static void two_factor_on(struct gallery *gallery)
{
	const struct view_two_factor_on v = { GALLERY_NOW - 900000, 1, false };

	view_two_factor_on(&gallery->out, &gallery->frame, &v);
}

static void two_factor_stays_on(struct gallery *gallery)
{
	const struct view_two_factor_on v = { GALLERY_NOW - 900000, 8, true };

	view_two_factor_on(&gallery->out, &gallery->frame, &v);
}

static void backup_codes(struct gallery *gallery)
{
	static const char *const codes[] = {
		"k7m2-9xqd-4hvt", "3nfp-w8ra-6zcb", "yt5e-2mkd-h9xs",
		"qv4n-7rpw-c3fa", "8hzb-k6td-5mye", "x2sc-9vnq-r7hp",
		"d4fw-3atk-z8mb", "6ecy-h5xr-n2qv", "p9st-8kwd-4fzm",
		"b7ha-y3cn-6vxe"
	};
	const struct view_backup_codes v = {
		"anna@example.org", codes, 10, GALLERY_NOW
	};

	view_backup_codes(&gallery->out, &gallery->frame, &v);
}

const struct gallery_page gallery_account_pages[] = {
	{ "account", account },
	{ "account-two-factor", account_two_factor },
	{ "account-required", account_required },
	{ "account-password", account_password },
	{ "account-password-wrong", account_password_wrong },
	{ "account-sessions", account_sessions },
	{ "account-session", account_session },
	{ "two-factor", two_factor },
	{ "two-factor-required", two_factor_required },
	{ "two-factor-on", two_factor_on },
	{ "two-factor-stays-on", two_factor_stays_on },
	{ "backup-codes", backup_codes },
	{ NULL, NULL }
};
