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
	const struct view_home v = { .is_super_admin = true };

	view_home(&gallery->out, &gallery->frame, &v);
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
	{ "home-super-admin", home_super_admin },
	{ "home-super-admin-search", home_super_admin_search },
	{ "home-super-admin-new", home_super_admin_new },
	{ "domain", domain },
	{ "domain-search", domain_search },
	{ "domain-search-nothing", domain_search_nothing },
	{ "domain-empty", domain_empty },
	{ NULL, NULL }
};
