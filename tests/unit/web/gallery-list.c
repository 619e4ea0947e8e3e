#include "gallery.h"

#define GB (1024 * 1024 * 1024ULL)

static const struct view_domain_row domains[] = {
	{ "example.org", 1204, true },
	{ "a-rather-long-name-of-a-collective.example.net", 3, true },
	{ "friends.example", 0, false },
};

static const struct view_mailbox_row mailboxes[] = {
	{ "anna.lindqvist@example.org", { VIEW_MAILBOX_OPEN, 0, 0, 0, 0 },
	  5 * GB, 12, "anna@example.org" },
	{ "newsletter@example.org",
	  { VIEW_MAILBOX_CHANGE_ASKED, GALLERY_NOW + 840, 0, 0, 0 }, 2 * GB, 0,
	  "anna@example.org" },
	{ "office-and-membership-administration@a-rather-long-name-of-a-"
	  "collective.example.net",
	  { VIEW_MAILBOX_CLOSED, GALLERY_NOW + 600, 0, 0, 0 }, 3 * GB, 1,
	  "board@a-rather-long-name-of-a-collective.example.net" },
	{ "hall@example.org",
	  { VIEW_MAILBOX_MAINTENANCE, GALLERY_NOW + 300, 0, 0, 0 }, 1 * GB, 0,
	  "anna@example.org" },
	{ "archive@example.org", { VIEW_MAILBOX_ENCRYPTING, 0, 40, 0, 0 },
	  0, 3, NULL },
	{ "old-project@example.org",
	  { VIEW_MAILBOX_DELETION_SCHEDULED, GALLERY_NOW + 150000, 0, 0, 0 },
	  1 * GB, 0, "anna@example.org" },
	{ "brand-new@example.org", { VIEW_MAILBOX_CREATING, 0, 0, 0, 0 },
	  1 * GB, 0, "anna@example.org" },
	{ "wrong-password@example.org",
	  { VIEW_MAILBOX_FAILED, 0, 0, "Reason", "Remedy" }, 1 * GB, 0,
	  "anna@example.org" },
	{ "left-the-group@example.org", { VIEW_MAILBOX_INACTIVE, 0, 0, 0, 0 },
	  1536 * 1024 * 1024ULL, 100, "anna@example.org" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void home(struct gallery *gallery)
{
	const struct view_home v = {
		.domains = domains, .domains_count = 2,
		.mailboxes = mailboxes, .mailboxes_count = 3,
		.mailboxes_max = 3,
	};

	view_home(&gallery->out, &gallery->frame, &v);
}

static void home_new(struct gallery *gallery)
{
	const struct view_home v = {
		.domains = domains, .domains_count = 1, .mailboxes_max = 3,
	};

	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_mailbox_asked,
			    LANGUAGE_TEXT("address", "anna@example.org")));
	view_home(&gallery->out, &gallery->frame, &v);
}

static void home_nothing(struct gallery *gallery)
{
	const struct view_home v = { .mailboxes_max = 3 };

	view_home(&gallery->out, &gallery->frame, &v);
}

static void home_many(struct gallery *gallery)
{
	const struct view_home v = {
		.domains = domains, .domains_count = COUNT(domains),
		.mailboxes = mailboxes, .mailboxes_count = COUNT(mailboxes),
	};

	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_deletion_canceled,
			    LANGUAGE_TEXT("address", "anna@example.org")));
	view_home(&gallery->out, &gallery->frame, &v);
}

static void home_super_admin(struct gallery *gallery)
{
	const struct view_home v = {
		.is_super_admin = true,
		.domains = domains, .domains_count = COUNT(domains),
		.next = "friends.example", .is_later_page = true,
		.host_silent_since = GALLERY_NOW - 4000,
		.host_other_key = "imap1.example.org",
		.hosts_silent = "imap2.example.org, imap3.example.org",
		.hosts_nameless = true,
		.requests_failed = 2, .requests_open = 1,
	};

	view_home(&gallery->out, &gallery->frame, &v);
}

static void home_super_admin_search(struct gallery *gallery)
{
	const struct view_home v = {
		.is_super_admin = true, .search = "<nobody> & \"co\"",
	};

	view_home(&gallery->out, &gallery->frame, &v);
}

static void home_super_admin_new(struct gallery *gallery)
{
	const struct view_home v = {
		.is_super_admin = true, .host_unknown = true,
		.requests_failed = 1, .requests_open = 12,
	};

	view_home(&gallery->out, &gallery->frame, &v);
}

#define ID "0123456789abcdef0123456789abcdef"

static void requests(struct gallery *gallery)
{
	static const struct view_request_row rows[] = {
		{ .address = "anna@example.org", .account = "anna@home.example",
		  .kind = VIEW_REQUEST_PASSWORD, .asked = GALLERY_NOW - 20,
		  .id = ID, .can_cancel = true,
		  .state = { .status = VIEW_MAILBOX_CHANGE_ASKED,
			     .until = GALLERY_NOW + 880 } },
		{ .address = "a-very-long-name-of-somebody-in-an-association@"
			  "mail.a-club-with-a-long-name.example.org",
		  .account = "somebody@example.org",
		  .kind = VIEW_REQUEST_DELETE, .asked = GALLERY_NOW - 4000,
		  .id = ID, .can_cancel = true, .can_retry = true,
		  .state = { .status = VIEW_MAILBOX_DELETION_SCHEDULED,
			     .until = GALLERY_NOW + 168800 } },
		{ .address = "choir@example.org",
		  .kind = VIEW_REQUEST_ENCRYPT, .asked = GALLERY_NOW - 9000,
		  .waiting = "<waits & waits>", .id = ID, .can_retry = true,
		  .state = { .status = VIEW_MAILBOX_ENCRYPTING,
			     .percent = 41 } },
		{ .address = "hall@example.org",
		  .kind = VIEW_REQUEST_CLOSE, .asked = GALLERY_NOW - 600,
		  .state = { .status = VIEW_MAILBOX_MAINTENANCE,
			     .until = GALLERY_NOW + 300 } },
		{ .address = "new-one@example.org", .account = "b@example.org",
		  .kind = VIEW_REQUEST_CREATE, .asked = GALLERY_NOW - 10000,
		  .state = { .status = VIEW_MAILBOX_CREATING } },
	};
	const struct view_requests v = {
		.rows = rows, .rows_count = COUNT(rows),
		.next = ID,
	};

	view_requests(&gallery->out, &gallery->frame, &v);
}

static void requests_failed(struct gallery *gallery)
{
	const struct view_request_row rows[] = {
		{ .address = "anna@example.org", .account = "anna@home.example",
		  .kind = VIEW_REQUEST_PASSWORD, .asked = GALLERY_NOW - 90000,
		  .ended = GALLERY_NOW - 89000,
		  .state = { .reason = TEXT(MSG_failed_keys),
			     .remedy = TEXT(MSG_failed_keys_remedy) } },
	};
	const struct view_requests v = {
		.is_failed = true, .rows = rows, .rows_count = COUNT(rows),
		.is_later_page = true,
	};

	view_requests(&gallery->out, &gallery->frame, &v);
}

static void requests_none(struct gallery *gallery)
{
	const struct view_requests v = { .is_failed = false };

	view_requests(&gallery->out, &gallery->frame, &v);
}

static void requests_none_failed(struct gallery *gallery)
{
	const struct view_requests v = { .is_failed = true };

	view_requests(&gallery->out, &gallery->frame, &v);
}

static const struct view_events_kind event_kinds[] = {
	{ "login", "Log-in", false },
	{ "password-done", "Password changed", true },
	{ "something-new", "something-new", false },
};

static void events(struct gallery *gallery)
{
	const struct view_events_row rows[] = {
		{ .time = GALLERY_NOW - 20, .text = TEXT(MSG_kind_login),
		  .actor = "anna@home.example", .details = "192.0.2.7" },
		{ .time = GALLERY_NOW - 100,
		  .text = TEXT(MSG_kind_alias_renamed),
		  .address = "a-very-long-name-of-somebody-in-an-association@"
			     "mail.a-club-with-a-long-name.example.org",
		  .actor = "somebody@example.org",
		  .details = "anna.smith@mail.a-club-with-a-long-name.example."
			     "org anna.jones@mail.a-club-with-a-long-name."
			     "example.org" },
		{ .time = GALLERY_NOW - 9000,
		  .text = TEXT(MSG_kind_encrypt_failed),
		  .address = "choir@example.org", .actor = "doveadm",
		  .details = "<no space & \"such\">" },
		{ .time = GALLERY_NOW - 10000, .text = "something-new",
		  .actor = "b@example.org" },
	};
	const struct view_events v = {
		.kinds = event_kinds, .kinds_count = COUNT(event_kinds),
		.rows = rows, .rows_count = COUNT(rows), .next = "4711",
	};

	view_events(&gallery->out, &gallery->frame, &v);
}

static void events_filtered(struct gallery *gallery)
{
	const struct view_events v = {
		.address = "<a>&\"@example.org", .actor = "doveadm",
		.kind = "password-done", .from = "2026-11-24",
		.is_filtered = true, .is_wrong = true, .is_later_page = true,
		.kinds = event_kinds, .kinds_count = COUNT(event_kinds),
	};

	gallery_error(gallery, "to", TEXT(MSG_wrong_day));
	view_events(&gallery->out, &gallery->frame, &v);
}

static void events_none(struct gallery *gallery)
{
	const struct view_events v = { .is_filtered = false };

	view_events(&gallery->out, &gallery->frame, &v);
}

static void domain(struct gallery *gallery)
{
	const struct view_domain v = {
		.name = "example.org", .can_create = true,
		.mailboxes = mailboxes, .mailboxes_count = COUNT(mailboxes),
		.found = 1204, .sort_name = "address",
		.next = "left-the-group@example.org",
	};

	view_domain(&gallery->out, &gallery->frame, &v);
}

static void domain_search(struct gallery *gallery)
{
	const struct view_domain v = {
		.name = "example.org", .can_create = true,
		.mailboxes = mailboxes, .mailboxes_count = 1,
		.found = 1, .search = "anna & co", .sort = VIEW_SORT_QUOTA_DOWN,
		.sort_name = "-quota", .is_later_page = true,
	};

	view_domain(&gallery->out, &gallery->frame, &v);
}

static void domain_search_nothing(struct gallery *gallery)
{
	const struct view_domain v = {
		.name = "example.org", .search = "nobody",
		.sort_name = "address",
	};

	view_domain(&gallery->out, &gallery->frame, &v);
}

static void domain_empty(struct gallery *gallery)
{
	const struct view_domain v = {
		.name = "friends.example", .can_create = true,
		.sort_name = "address",
	};

	view_domain(&gallery->out, &gallery->frame, &v);
}

const struct gallery_page gallery_list_pages[] = {
	{ "home", home },
	{ "home-new", home_new },
	{ "home-nothing", home_nothing },
	{ "home-many", home_many },
	{ "events", events },
	{ "events-filtered", events_filtered },
	{ "events-none", events_none },
	{ "home-super-admin", home_super_admin },
	{ "home-super-admin-search", home_super_admin_search },
	{ "home-super-admin-new", home_super_admin_new },
	{ "requests", requests },
	{ "requests-failed", requests_failed },
	{ "requests-none", requests_none },
	{ "requests-none-failed", requests_none_failed },
	{ "domain", domain },
	{ "domain-search", domain_search },
	{ "domain-search-nothing", domain_search_nothing },
	{ "domain-empty", domain_empty },
	{ NULL, NULL }
};
