#include "gallery.h"

#define REASON \
	"Hello!\nI sing in the choir of Martine, who told me of you. I would " \
	"like an address that is not one of the big ones.\n" \
	"<script>alert(1)</script> & \"so on\""

static void show_register(struct gallery *gallery, bool wrong, bool code,
			  const char *text)
{
	const struct view_register v = {
		.email = wrong ? "anna@example" : "",
		.reason = wrong ? "pls" : "",
		.code = code ? "k7wm-3pxd-9qhr" : "",
		.wants_code = code, .text = text,
		.reason_max = 1000, .password_min = 12,
	};

	gallery_log_out(gallery);
	if (wrong) {
		gallery_error(gallery, "code", TEXT(MSG_wrong_invitation));
		gallery_error(gallery, "email", TEXT(MSG_wrong_email));
		gallery_error(gallery, "reason", TEXT(MSG_wrong_reason_short));
	}
	view_register(&gallery->out, &gallery->frame, &v);
}

static void register_empty(struct gallery *gallery)
{
	show_register(gallery, false, false, NULL);
}

static void register_own_text(struct gallery *gallery)
{
	show_register(gallery, false, true, "Tell us <b>who</b> you are.");
}

static void register_wrong(struct gallery *gallery)
{
	show_register(gallery, true, true, NULL);
}

static void register_sent(struct gallery *gallery)
{
	const struct view_register_sent v = { "anna@example.org", 48 * 3600 };

	gallery_log_out(gallery);
	gallery->frame.path = NULL;
	view_register_sent(&gallery->out, &gallery->frame, &v);
}

static void register_confirm(struct gallery *gallery)
{
	const struct view_register_confirm v = {
		"d41d8cd98f00b204e9800998ecf8427e", "anna@example.org", REASON,
		"2001:db8::/64", GALLERY_NOW
	};

	gallery_log_out(gallery);
	view_register_confirm(&gallery->out, &gallery->frame, &v);
}

static void register_confirmed(struct gallery *gallery)
{
	const struct view_register_confirmed v = { false };

	gallery_log_out(gallery);
	view_register_confirmed(&gallery->out, &gallery->frame, &v);
}

static void register_account(struct gallery *gallery)
{
	const struct view_register_confirmed v = { true };

	gallery_log_out(gallery);
	view_register_confirmed(&gallery->out, &gallery->frame, &v);
}

static void register_expired(struct gallery *gallery)
{
	const struct view_register_expired v = { 48 * 3600 };

	gallery_log_out(gallery);
	view_register_expired(&gallery->out, &gallery->frame, &v);
}

static const struct view_applicant applicant = {
	"anna@example.org", REASON, "198.51.100.7", 3 * 3600,
	"admin@example.org", "the choir"
};
static const struct view_domain_choice domains[] = {
	{ "example.org", true },
	{ "a-very-long-name-of-a-domain-that-somebody-has-chosen.example.net",
	  false },
};

static void moderation(struct gallery *gallery)
{
	const struct view_application rows[] = {
		{ "7", applicant },
		{ "8", { "a-long-name-that-goes-on-and-on-and-on@"
			 "mail.a-long-domain.example.net",
			 "Because.", "2001:db8::/64", 90, NULL, NULL } },
	};
	const struct view_moderation v = { rows, 2, "8", true };

	gallery->frame.is_moderator = true;
	view_moderation(&gallery->out, &gallery->frame, &v);
}

static void moderation_empty(struct gallery *gallery)
{
	const struct view_moderation v = { .applications_count = 0 };

	gallery->frame.is_moderator = true;
	view_moderation(&gallery->out, &gallery->frame, &v);
}

static void show_answer(struct gallery *gallery, bool wrong, bool more)
{
	const struct view_moderation_answer v = {
		.id = "7", .applicant = applicant,
		.domains = domains, .domains_count = 2,
		.has_more_domains = more, .more_domains = "other.example",
		.max_mailboxes = wrong ? "many" : "", .max_aliases = "",
		.message = wrong ? "No & <b>no</b>" : "",
		.default_mailboxes = 3, .default_aliases = 100,
		.message_max = 900,
	};

	gallery->frame.is_moderator = true;
	if (wrong) {
		gallery_error(gallery, "domains", TEXT(MSG_wrong_domains));
		gallery_error(gallery, "max-mailboxes", TEXT(MSG_wrong_number,
			LANGUAGE_NUMBER("min", 0),
			LANGUAGE_NUMBER("max", 10000)));
		gallery_error(gallery, "message", TEXT(MSG_wrong_message_long,
			LANGUAGE_NUMBER("max", 900)));
	}
	view_moderation_answer(&gallery->out, &gallery->frame, &v);
}

static void answer(struct gallery *gallery)
{
	show_answer(gallery, false, false);
}

static void answer_wrong(struct gallery *gallery)
{
	show_answer(gallery, true, false);
}

static void answer_many(struct gallery *gallery)
{
	show_answer(gallery, true, true);
}

#define DONE(name, WHAT) \
	static void done_##name(struct gallery *gallery) \
	{ \
		const struct view_moderation_done v = { \
			VIEW_MODERATION_##WHAT, "anna@example.org" \
		}; \
\
		gallery->frame.path = NULL; \
		view_moderation_done(&gallery->out, &gallery->frame, &v); \
	}
DONE(accepted, ACCEPTED)
DONE(declined, DECLINED)
DONE(dropped, DROPPED)
DONE(gone, GONE)

static void show_invitations(struct gallery *gallery, unsigned int count,
			     const char *code)
{
	const struct view_invitation rows[] = {
		{ "3", "the choir", "admin@example.org",
		  "example.org other.example", 20, 7, GALLERY_NOW },
		{ "4", NULL, "admin@example.org", NULL, 1, 0, GALLERY_NOW },
	};
	const struct view_invitations v = {
		.invitations = rows, .invitations_count = count,
		.code = code,
		.url = "https://mail.example.org/register?code=k7wm-3pxd-9qhr",
		.domains = domains, .domains_count = 2,
		.more_domains = "", .note = "", .uses = "1", .days = "14",
		.uses_max = 1000, .days_max = 366,
	};

	gallery->frame.is_moderator = true;
	view_invitations(&gallery->out, &gallery->frame, &v);
}

static void invitations(struct gallery *gallery)
{
	show_invitations(gallery, 2, NULL);
}

static void invitations_empty(struct gallery *gallery)
{
	show_invitations(gallery, 0, NULL);
}

static void invitations_made(struct gallery *gallery)
{
	show_invitations(gallery, 2, "k7wm-3pxd-9qhr");
}

static void invitations_wrong(struct gallery *gallery)
{
	gallery_error(gallery, "domains", TEXT(MSG_wrong_domains));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_invitations_full));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_account_exists));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_reason_long));
	show_invitations(gallery, 2, NULL);
}

const struct gallery_page gallery_join_pages[] = {
	{ "register", register_empty },
	{ "register-own-text", register_own_text },
	{ "register-wrong", register_wrong },
	{ "register-sent", register_sent },
	{ "register-confirm", register_confirm },
	{ "register-confirmed", register_confirmed },
	{ "register-account", register_account },
	{ "register-expired", register_expired },
	{ "moderation", moderation },
	{ "moderation-empty", moderation_empty },
	{ "moderation-answer", answer },
	{ "moderation-answer-wrong", answer_wrong },
	{ "moderation-answer-many", answer_many },
	{ "moderation-accepted", done_accepted },
	{ "moderation-declined", done_declined },
	{ "moderation-dropped", done_dropped },
	{ "moderation-gone", done_gone },
	{ "invitations", invitations },
	{ "invitations-empty", invitations_empty },
	{ "invitations-made", invitations_made },
	{ "invitations-wrong", invitations_wrong },
	{ NULL, NULL }
};
