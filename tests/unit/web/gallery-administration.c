#include "gallery.h"

#define LONG_DOMAIN \
	"a-very-long-name-of-a-domain-that-somebody-has-chosen.example.net"
#define ACCOUNT { "7", "bruno@example.org", false }
#define OWN { "1", "anna@example.org", true }

static void as_super_admin(struct gallery *gallery)
{
	gallery->frame.is_moderator = true;
	gallery->frame.is_super_admin = true;
}

static void administration(struct gallery *gallery)
{
	const struct view_administration v = { 1204, 3, 12, 2, 4, 1, 38 };

	as_super_admin(gallery);
	view_administration(&gallery->out, &gallery->frame, &v);
}

static void administration_quiet(struct gallery *gallery)
{
	const struct view_administration v = { .accounts = 1 };

	as_super_admin(gallery);
	view_administration(&gallery->out, &gallery->frame, &v);
}

/* ---- accounts */

static void accounts(struct gallery *gallery)
{
	const struct view_accounts_row rows[] = {
		{ "1", "anna@example.org", VIEW_ROLE_SUPER_ADMIN, true, 3,
		  GALLERY_NOW },
		{ "7", "bruno@example.org", VIEW_ROLE_USER, true, 12,
		  GALLERY_NOW - 86400 },
		{ "8", "a-long-name-that-goes-on-and-on-and-on@mail."
		  "a-long-domain.example.net", VIEW_ROLE_ADMIN, false, 0, 0 },
	};
	const struct view_accounts v = { rows, 3, NULL, rows[2].email, true };

	as_super_admin(gallery);
	view_accounts(&gallery->out, &gallery->frame, &v);
}

static void accounts_nothing(struct gallery *gallery)
{
	const struct view_accounts v = { .search = "nobody & <nowhere>" };

	as_super_admin(gallery);
	view_accounts(&gallery->out, &gallery->frame, &v);
}

static const struct view_mailbox_row mailboxes[] = {
	{ "bruno@example.net", { .status = VIEW_MAILBOX_OPEN }, 3ULL << 30, 2,
	  "bruno@example.org" },
	{ "garden@example.net", { .status = VIEW_MAILBOX_INACTIVE }, 0, 0,
	  "bruno@example.org" },
};

static void account(struct gallery *gallery)
{
	const struct view_accounts_act acts[] = {
		{ GALLERY_NOW, TEXT(MSG_event_delete_asked),
		  "garden@example.net" },
		{ GALLERY_NOW - 3600, TEXT(MSG_event_alias_added,
			LANGUAGE_TEXT("address", "roses@example.net")),
		  "bruno@example.net" },
	};
	const struct view_accounts_account v = {
		.subject = ACCOUNT, .role = VIEW_ROLE_USER, .is_active = true,
		.has_password = true,
		.domains = "example.net, example.org, " LONG_DOMAIN,
		.domains_more = 4,
		.mailboxes_used = 2, .mailboxes_max = 3, .aliases_max = 100,
		.sessions = 2, .seen = GALLERY_NOW,
		.two_factor_since = GALLERY_NOW - 90 * 86400,
		.created = GALLERY_NOW - 400 * 86400,
		.password_changed = GALLERY_NOW - 90 * 86400,
		.mailboxes = mailboxes, .mailboxes_count = 2,
		.acts = acts, .acts_count = 2,
	};

	as_super_admin(gallery);
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_account_changed,
			    LANGUAGE_TEXT("address", "bruno@example.org")));
	view_accounts_account(&gallery->out, &gallery->frame, &v);
}

static void account_off(struct gallery *gallery)
{
	const struct view_accounts_account v = {
		.subject = ACCOUNT, .role = VIEW_ROLE_ADMIN,
		.created = GALLERY_NOW, .password_changed = GALLERY_NOW,
		.mailboxes_max = 3, .aliases_max = 100,
	};

	as_super_admin(gallery);
	view_accounts_account(&gallery->out, &gallery->frame, &v);
}

static void account_own(struct gallery *gallery)
{
	const struct view_accounts_account v = {
		.subject = OWN, .role = VIEW_ROLE_SUPER_ADMIN,
		.is_active = true, .has_password = true,
		.sessions = 1, .seen = GALLERY_NOW,
		.created = GALLERY_NOW, .password_changed = GALLERY_NOW,
	};

	as_super_admin(gallery);
	view_accounts_account(&gallery->out, &gallery->frame, &v);
}

static const struct view_domain_choice choices[] = {
	{ "example.com", true }, { "other-" LONG_DOMAIN, false }
};
static const struct view_accounts_language offered[] = {
	{ "en", "English", false }, { "fr", "Français", true }
};

static void account_add(struct gallery *gallery)
{
	const struct view_accounts_add v = {
		.email = "", .languages = offered, .languages_count = 2,
		.domains = choices, .domains_count = 2,
		.max_mailboxes = "", .max_aliases = "",
		.default_mailboxes = 3, .default_aliases = 100,
		.valid_secs = 48 * 3600,
	};

	as_super_admin(gallery);
	view_accounts_add(&gallery->out, &gallery->frame, &v);
}

static void account_add_wrong(struct gallery *gallery)
{
	const struct view_accounts_add v = {
		.email = "bruno@example.org", .role = VIEW_ROLE_ADMIN,
		.languages = offered, .languages_count = 2,
		.domains = choices, .domains_count = 2,
		.has_more_domains = true, .more_domains = "nowhere.example",
		.max_mailboxes = "many", .max_aliases = "",
		.default_mailboxes = 3, .default_aliases = 100,
		.is_silent = true,
	};

	as_super_admin(gallery);
	gallery_error(gallery, "email", TEXT(MSG_wrong_account_waiting));
	gallery_error(gallery, "domains", TEXT(MSG_wrong_domains_none));
	gallery_error(gallery, "max-mailboxes", TEXT(MSG_wrong_number,
		LANGUAGE_NUMBER("min", 0), LANGUAGE_NUMBER("max", 10000)));
	view_accounts_add(&gallery->out, &gallery->frame, &v);
}

static void account_delete(struct gallery *gallery)
{
	const struct view_accounts_delete v = { ACCOUNT, 2 };

	as_super_admin(gallery);
	view_accounts_delete(&gallery->out, &gallery->frame, &v);
}

static void account_delete_busy(struct gallery *gallery)
{
	const struct view_accounts_delete v = { ACCOUNT, 0 };

	as_super_admin(gallery);
	gallery_error(gallery, NULL, TEXT(MSG_wrong_account_busy));
	view_accounts_delete(&gallery->out, &gallery->frame, &v);
}

static void account_delete_own(struct gallery *gallery)
{
	const struct view_accounts_delete v = { OWN, 1 };

	as_super_admin(gallery);
	view_accounts_delete(&gallery->out, &gallery->frame, &v);
}

static void show_role(struct gallery *gallery, enum view_role role,
		      const char *was)
{
	const struct view_accounts_role v = { ACCOUNT, role, was };

	as_super_admin(gallery);
	view_accounts_role(&gallery->out, &gallery->frame, &v);
}

static void role_of_user(struct gallery *gallery)
{
	show_role(gallery, VIEW_ROLE_USER, "user");
}

static void role_of_super_admin(struct gallery *gallery)
{
	gallery_error(gallery, NULL, TEXT(MSG_wrong_stale));
	show_role(gallery, VIEW_ROLE_SUPER_ADMIN, "super_admin");
}

static void role_own(struct gallery *gallery)
{
	const struct view_accounts_role v = {
		OWN, VIEW_ROLE_SUPER_ADMIN, "super_admin"
	};

	as_super_admin(gallery);
	gallery_error(gallery, NULL, TEXT(MSG_wrong_self));
	view_accounts_role(&gallery->out, &gallery->frame, &v);
}

static void switch_off(struct gallery *gallery)
{
	const struct view_accounts_active v = { ACCOUNT, true, 2 };

	as_super_admin(gallery);
	view_accounts_active(&gallery->out, &gallery->frame, &v);
}

static void switch_on(struct gallery *gallery)
{
	const struct view_accounts_active v = { ACCOUNT, false, 0 };

	as_super_admin(gallery);
	view_accounts_active(&gallery->out, &gallery->frame, &v);
}

static void limits(struct gallery *gallery)
{
	const struct view_accounts_limits v = {
		.subject = ACCOUNT, .max_mailboxes = "5", .max_aliases = "",
		.default_mailboxes = 3, .default_aliases = 100,
		.is_unbound = true,
	};

	as_super_admin(gallery);
	view_accounts_limits(&gallery->out, &gallery->frame, &v);
}

static void limits_wrong(struct gallery *gallery)
{
	const struct view_accounts_limits v = {
		.subject = ACCOUNT, .max_mailboxes = "many",
		.max_aliases = "-1",
		.default_mailboxes = 3, .default_aliases = 100,
	};

	as_super_admin(gallery);
	gallery_error(gallery, "max-mailboxes", TEXT(MSG_wrong_number,
		LANGUAGE_NUMBER("min", 0), LANGUAGE_NUMBER("max", 10000)));
	gallery_error(gallery, "max-aliases", TEXT(MSG_wrong_number,
		LANGUAGE_NUMBER("min", 0), LANGUAGE_NUMBER("max", 10000)));
	view_accounts_limits(&gallery->out, &gallery->frame, &v);
}

static const struct view_accounts_domain names[] = {
	{ "example.org" }, { LONG_DOMAIN }
};

static void account_domains(struct gallery *gallery)
{
	const struct view_accounts_domains v = {
		.subject = ACCOUNT, .names = names, .names_count = 2,
		.domains = choices, .domains_count = 2, .more_domains = "",
	};

	as_super_admin(gallery);
	view_accounts_domains(&gallery->out, &gallery->frame, &v);
}

static void account_domains_wrong(struct gallery *gallery)
{
	const struct view_accounts_domains v = {
		.subject = ACCOUNT, .is_super_admin = true,
		.domains = choices, .domains_count = 2,
		.has_more_domains = true, .more_domains = "nowhere.example",
	};

	as_super_admin(gallery);
	gallery_error(gallery, "domains", TEXT(MSG_wrong_domains_give));
	view_accounts_domains(&gallery->out, &gallery->frame, &v);
}

static void account_domains_all(struct gallery *gallery)
{
	const struct view_accounts_domains v = {
		.subject = ACCOUNT, .names = names, .names_count = 1,
	};

	as_super_admin(gallery);
	view_accounts_domains(&gallery->out, &gallery->frame, &v);
}

static void show_log_out(struct gallery *gallery, bool factor, bool nothing)
{
	const struct view_accounts_log_out v = {
		ACCOUNT, factor, nothing, nothing ? 0 : 2
	};

	as_super_admin(gallery);
	view_accounts_log_out(&gallery->out, &gallery->frame, &v);
}

static void log_out(struct gallery *gallery)
{
	show_log_out(gallery, false, false);
}

static void log_out_nothing(struct gallery *gallery)
{
	show_log_out(gallery, false, true);
}

static void two_factor(struct gallery *gallery)
{
	show_log_out(gallery, true, false);
}

static void two_factor_nothing(struct gallery *gallery)
{
	show_log_out(gallery, true, true);
}

const struct gallery_page gallery_administration_pages[] = {
	{ "administration", administration },
	{ "administration-quiet", administration_quiet },
	{ "accounts", accounts },
	{ "accounts-nothing", accounts_nothing },
	{ "accounts-account", account },
	{ "accounts-account-off", account_off },
	{ "accounts-account-own", account_own },
	{ "accounts-add", account_add },
	{ "accounts-add-wrong", account_add_wrong },
	{ "accounts-delete", account_delete },
	{ "accounts-delete-busy", account_delete_busy },
	{ "accounts-delete-own", account_delete_own },
	{ "accounts-role-user", role_of_user },
	{ "accounts-role-super-admin", role_of_super_admin },
	{ "accounts-role-own", role_own },
	{ "accounts-switch-off", switch_off },
	{ "accounts-switch-on", switch_on },
	{ "accounts-limits", limits },
	{ "accounts-limits-wrong", limits_wrong },
	{ "accounts-domains", account_domains },
	{ "accounts-domains-wrong", account_domains_wrong },
	{ "accounts-domains-all", account_domains_all },
	{ "accounts-log-out", log_out },
	{ "accounts-log-out-nothing", log_out_nothing },
	{ "accounts-two-factor", two_factor },
	{ "accounts-two-factor-nothing", two_factor_nothing },
	{ NULL, NULL }
};
