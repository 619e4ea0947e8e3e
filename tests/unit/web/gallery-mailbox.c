#include "gallery.h"

#define GB (1024 * 1024 * 1024ULL)
#define ANNA "anna.lindqvist@example.org"

static const struct view_limits limits = {
	.name_min = 6, .name_max = 64, .password_min = 12, .password_max = 128,
	.quota_min = GB, .quota_max = 5 * GB,
};

static const struct view_alias aliases[] = {
	{ "17", "contact-us@example.org" },
	{ "18", "newsletter-and-announcements-of-the-group@example.org" },
	{ "19", "press-office@example.org" },
};

static struct view_mailbox mailbox_of(enum view_mailbox_status status)
{
	return (struct view_mailbox){
		.address = ANNA, .domain = "example.org",
		.state = { .status = status },
		.quota = 5 * GB, .quota_used = 3328599654,
		.is_quota_used_known = true, .quota_percent = 62,
		.aliases = aliases, .aliases_count = 3, .aliases_max = 100,
	};
}

static void mailbox_open(struct gallery *gallery)
{
	struct view_mailbox v = mailbox_of(VIEW_MAILBOX_OPEN);
	const struct view_event events[] = {
		{ GALLERY_NOW - 4000, TEXT(MSG_event_alias_added,
			LANGUAGE_TEXT("address", "press-office@example.org")),
		  "anna@example.org" },
		{ GALLERY_NOW - 900000, TEXT(MSG_event_password_changed),
		  "anna@example.org" },
		{ GALLERY_NOW - 9000000, TEXT(MSG_event_created),
		  "board@a-rather-long-name-of-a-collective.example.net" },
	};

	v.can_add_alias = v.can_change_password = v.can_delete = true;
	v.events = events;
	v.events_count = 3;
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_alias_added,
			    LANGUAGE_TEXT("address",
					  "press-office@example.org")));
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_alias_deleted,
			    LANGUAGE_TEXT("address",
					  "old-press@example.org")));
	view_mailbox(&gallery->out, &gallery->frame, &v);
}

static void mailbox_new(struct gallery *gallery)
{
	struct view_mailbox v = mailbox_of(VIEW_MAILBOX_CREATING);

	v.aliases_count = 0;
	v.is_quota_used_known = false;
	v.can_cancel = true;
	view_mailbox(&gallery->out, &gallery->frame, &v);
}

static void mailbox_closed(struct gallery *gallery)
{
	struct view_mailbox v = mailbox_of(VIEW_MAILBOX_CLOSED);

	v.state.until = GALLERY_NOW + 600;
	v.are_aliases_full = true;
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_alias_renamed,
			    LANGUAGE_TEXT("address", "old-press@example.org"),
			    LANGUAGE_TEXT("new", "press-office@example.org")));
	view_mailbox(&gallery->out, &gallery->frame, &v);
}

static void mailbox_failed(struct gallery *gallery)
{
	struct view_mailbox v = mailbox_of(VIEW_MAILBOX_FAILED);

	v.state.reason = TEXT(MSG_failed_expired);
	v.state.remedy = TEXT(MSG_failed_expired_remedy);
	v.can_add_alias = v.can_change_password = v.can_delete = true;
	v.quota = 0;
	view_mailbox(&gallery->out, &gallery->frame, &v);
}

static void mailbox_deleted_soon(struct gallery *gallery)
{
	struct view_mailbox v = mailbox_of(VIEW_MAILBOX_DELETION_SCHEDULED);

	v.state.until = GALLERY_NOW + 150000;
	v.can_cancel_deletion = true;
	view_mailbox(&gallery->out, &gallery->frame, &v);
}

static void mailbox_admin(struct gallery *gallery)
{
	struct view_mailbox v = mailbox_of(VIEW_MAILBOX_INACTIVE);

	v.owner = "board@a-rather-long-name-of-a-collective.example.net";
	v.can_delete = true;
	v.quota_percent = 97;
	view_mailbox(&gallery->out, &gallery->frame, &v);
}

static void create(struct gallery *gallery)
{
	const struct view_mailbox_create v = {
		.domain = "example.org", .quota = "1G", .limits = limits,
		.mailboxes = 1, .mailboxes_max = 3,
	};

	view_mailbox_create(&gallery->out, &gallery->frame, &v);
}

static void create_wrong(struct gallery *gallery)
{
	const struct view_mailbox_create v = {
		.domain = "a-rather-long-name-of-a-collective.example.net",
		.name = "Anna!", .quota = "99",
		.limits = limits,
	};

	gallery_error(gallery, "name", TEXT(MSG_wrong_name_characters));
	gallery_error(gallery, "quota", TEXT(MSG_wrong_quota,
					     LANGUAGE_SIZE("min", GB),
					     LANGUAGE_SIZE("max", 5 * GB)));
	gallery_error(gallery, "new", TEXT(MSG_wrong_password_short,
					   LANGUAGE_NUMBER("min", 12)));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_mailboxes_full,
					  LANGUAGE_NUMBER("max", 3)));
	view_mailbox_create(&gallery->out, &gallery->frame, &v);
}

static void password(struct gallery *gallery)
{
	const struct view_mailbox_password v = { ANNA, limits, 900 };

	view_mailbox_password(&gallery->out, &gallery->frame, &v);
}

static void password_wrong(struct gallery *gallery)
{
	const struct view_mailbox_password v = { ANNA, limits, 900 };

	gallery_error(gallery, "old", TEXT(MSG_wrong_password));
	gallery_error(gallery, "new", TEXT(MSG_wrong_password_weak));
	gallery_error(gallery, "repeat", TEXT(MSG_wrong_repeat));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_busy_mailbox));
	view_mailbox_password(&gallery->out, &gallery->frame, &v);
}

static void window_closed(struct gallery *gallery)
{
	const struct view_mailbox_window v = {
		.address = ANNA, .phase = VIEW_WINDOW_CLOSED,
		.opens_at = GALLERY_NOW + 840, .mails_done = 1204,
		.mails_total = 3010, .percent = 40, .left_secs = 45,
	};

	view_mailbox_window(&gallery->out, &gallery->frame, &v);
}

static void window_begin(struct gallery *gallery)
{
	const struct view_mailbox_window v = {
		.address = ANNA, .phase = VIEW_WINDOW_CLOSED,
		.can_cancel = true,
	};

	view_mailbox_window(&gallery->out, &gallery->frame, &v);
}

static void window_encrypting(struct gallery *gallery)
{
	const struct view_mailbox_window v = {
		.address = ANNA, .phase = VIEW_WINDOW_ENCRYPTING,
		.mails_done = 61204, .mails_total = 83010, .percent = 73,
		.left_secs = 400,
	};

	view_mailbox_window(&gallery->out, &gallery->frame, &v);
}

static void window_done(struct gallery *gallery)
{
	const struct view_mailbox_window v = {
		.address = ANNA, .phase = VIEW_WINDOW_DONE,
	};

	view_mailbox_window(&gallery->out, &gallery->frame, &v);
}

static void window_failed(struct gallery *gallery)
{
	const struct view_mailbox_window v = {
		.address = ANNA, .phase = VIEW_WINDOW_FAILED,
		.reason = TEXT(MSG_failed_password),
		.remedy = TEXT(MSG_failed_password_remedy),
	};

	view_mailbox_window(&gallery->out, &gallery->frame, &v);
}

static void window_failed_otherwise(struct gallery *gallery)
{
	const struct view_mailbox_window v = {
		.address = ANNA, .phase = VIEW_WINDOW_FAILED,
		.reason = TEXT(MSG_failed_other),
		.remedy = TEXT(MSG_failed_other_remedy),
	};

	view_mailbox_window(&gallery->out, &gallery->frame, &v);
}

static void mailbox_delete(struct gallery *gallery)
{
	const struct view_mailbox_delete v = {
		.address = ANNA, .quota = 3221225472, .aliases = aliases,
		.aliases_count = 3, .aliases_total = 1204,
		.aliases_more = 1201, .grace_secs = 172800,
	};

	view_mailbox_delete(&gallery->out, &gallery->frame, &v);
}

static void mailbox_delete_admin(struct gallery *gallery)
{
	const struct view_mailbox_delete v = {
		.address = ANNA, .is_by_admin = true, .aliases = aliases,
		.aliases_count = 1, .aliases_total = 1, .grace_secs = 172800,
	};

	gallery_error(gallery, "typed", TEXT(MSG_wrong_typed,
					     LANGUAGE_TEXT("address", ANNA)));
	view_mailbox_delete(&gallery->out, &gallery->frame, &v);
}

static void mailbox_deletion(struct gallery *gallery)
{
	const struct view_mailbox_deletion v = {
		ANNA, GALLERY_NOW + 150000, 150000, true
	};

	view_mailbox_deletion(&gallery->out, &gallery->frame, &v);
}

static void mailbox_deletion_late(struct gallery *gallery)
{
	const struct view_mailbox_deletion v = { ANNA, GALLERY_NOW, 0, false };

	view_mailbox_deletion(&gallery->out, &gallery->frame, &v);
}

static void alias_add(struct gallery *gallery)
{
	const struct view_alias_add v = {
		.mailbox = ANNA, .domain = "example.org", .name_min = 8,
		.name_max = 64, .aliases = 12, .aliases_max = 100,
	};

	view_alias_add(&gallery->out, &gallery->frame, &v);
}

static void alias_add_wrong(struct gallery *gallery)
{
	const struct view_alias_add v = {
		.mailbox = ANNA, .domain = "example.org", .name = "postmaster",
		.name_min = 8, .name_max = 64, .can_catch_all = true,
	};

	gallery_error(gallery, "name", TEXT(MSG_wrong_name_reserved));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_aliases_full,
					  LANGUAGE_NUMBER("max", 100)));
	view_alias_add(&gallery->out, &gallery->frame, &v);
}

static void alias_rename(struct gallery *gallery)
{
	const struct view_alias_rename v = {
		.mailbox = ANNA, .domain = "example.org", .id = "17",
		.address = aliases[0].address, .name = "contact-us",
		.name_min = 8, .name_max = 64,
	};

	gallery_error(gallery, "name",
		      TEXT(MSG_wrong_name_taken,
			   LANGUAGE_TEXT("address", aliases[0].address)));
	gallery_error(gallery, "name", TEXT(MSG_wrong_name_short,
					    LANGUAGE_NUMBER("min", 8)));
	gallery_error(gallery, "name", TEXT(MSG_wrong_name_long,
					    LANGUAGE_NUMBER("max", 64)));
	view_alias_rename(&gallery->out, &gallery->frame, &v);
}

static void alias_delete(struct gallery *gallery)
{
	const struct view_alias_delete v = {
		ANNA, "18", aliases[1].address
	};

	view_alias_delete(&gallery->out, &gallery->frame, &v);
}

const struct gallery_page gallery_mailbox_pages[] = {
	{ "mailbox", mailbox_open },
	{ "mailbox-new", mailbox_new },
	{ "mailbox-closed", mailbox_closed },
	{ "mailbox-failed", mailbox_failed },
	{ "mailbox-deleted-soon", mailbox_deleted_soon },
	{ "mailbox-admin", mailbox_admin },
	{ "mailbox-create", create },
	{ "mailbox-create-wrong", create_wrong },
	{ "mailbox-password", password },
	{ "mailbox-password-wrong", password_wrong },
	{ "mailbox-window", window_closed },
	{ "mailbox-window-begin", window_begin },
	{ "mailbox-window-encrypting", window_encrypting },
	{ "mailbox-window-done", window_done },
	{ "mailbox-window-failed", window_failed },
	{ "mailbox-window-failed-otherwise", window_failed_otherwise },
	{ "mailbox-delete", mailbox_delete },
	{ "mailbox-delete-admin", mailbox_delete_admin },
	{ "mailbox-deletion", mailbox_deletion },
	{ "mailbox-deletion-late", mailbox_deletion_late },
	{ "alias-add", alias_add },
	{ "alias-add-wrong", alias_add_wrong },
	{ "alias-rename", alias_rename },
	{ "alias-delete", alias_delete },
	{ NULL, NULL }
};
