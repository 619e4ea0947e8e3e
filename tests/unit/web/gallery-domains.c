#include "gallery.h"

/* Pages of super admins about domains, addresses and whose a mailbox is. */

#define LONG_DOMAIN \
	"a-very-long-name-of-a-domain-that-somebody-has-chosen.example.net"

static void as_super_admin(struct gallery *gallery)
{
	gallery->frame.is_moderator = true;
	gallery->frame.is_super_admin = true;
}

/* ---- domains */

static void show_domains(struct gallery *gallery, bool can_add)
{
	const struct view_domains_row rows[] = {
		{ "example.net", 1204, 3300, 800, false },
		{ "empty.example", 0, 0, 1, can_add },
		{ LONG_DOMAIN, 0, 0, 0, can_add },
	};
	const struct view_domains v = {
		can_add, rows, 3, NULL, LONG_DOMAIN, true
	};

	as_super_admin(gallery);
	view_domains(&gallery->out, &gallery->frame, &v);
}

static void domains(struct gallery *gallery)
{
	show_domains(gallery, true);
}

static void domains_fixed(struct gallery *gallery)
{
	show_domains(gallery, false);
}

static void domains_nothing(struct gallery *gallery)
{
	const struct view_domains v = { .search = "nowhere" };

	as_super_admin(gallery);
	view_domains(&gallery->out, &gallery->frame, &v);
}

static void domains_none(struct gallery *gallery)
{
	const struct view_domains v = { .can_add = true };

	as_super_admin(gallery);
	view_domains(&gallery->out, &gallery->frame, &v);
}

static void domain_add(struct gallery *gallery)
{
	const struct view_domains_add v = { "" };

	as_super_admin(gallery);
	view_domains_add(&gallery->out, &gallery->frame, &v);
}

static void domain_add_wrong(struct gallery *gallery)
{
	const struct view_domains_add v = { "exa mple" };

	as_super_admin(gallery);
	gallery_error(gallery, "name", TEXT(MSG_wrong_domain_name));
	gallery_error(gallery, NULL, TEXT(MSG_wrong_domain_unsupported));
	view_domains_add(&gallery->out, &gallery->frame, &v);
}

static void domain_remove(struct gallery *gallery)
{
	const struct view_domains_remove v = { LONG_DOMAIN, 2 };

	as_super_admin(gallery);
	view_domains_remove(&gallery->out, &gallery->frame, &v);
}

/* ---- addresses of deleted mailboxes */

static void reserved(struct gallery *gallery)
{
	const struct view_reserved_address rows[] = {
		{ "garden@example.net", GALLERY_NOW - 86400,
		  GALLERY_NOW + 89 * 86400 },
		{ "office-and-membership@" LONG_DOMAIN,
		  GALLERY_NOW - 80 * 86400, GALLERY_NOW + 10 * 86400 },
	};
	const struct view_reserved_addresses v = {
		rows, 2, "e", rows[1].address, true
	};

	as_super_admin(gallery);
	gallery_notice(gallery, VIEW_NOTICE_SUCCESS,
		       TEXT(MSG_notice_address_freed,
			    LANGUAGE_TEXT("address", "old@example.net")));
	view_reserved_addresses(&gallery->out, &gallery->frame, &v);
}

static void reserved_nothing(struct gallery *gallery)
{
	const struct view_reserved_addresses v = { .search = "nowhere" };

	as_super_admin(gallery);
	view_reserved_addresses(&gallery->out, &gallery->frame, &v);
}

static void reserved_none(struct gallery *gallery)
{
	const struct view_reserved_addresses v = { .search = NULL };

	as_super_admin(gallery);
	view_reserved_addresses(&gallery->out, &gallery->frame, &v);
}

/* ---- owners */

static void show_owner(struct gallery *gallery, const char *owner, bool busy)
{
	const struct view_mailbox_owner v = {
		"garden@example.net", owner, "", busy
	};

	as_super_admin(gallery);
	view_mailbox_owner(&gallery->out, &gallery->frame, &v);
}

static void owner(struct gallery *gallery)
{
	show_owner(gallery, "bruno@example.org", false);
}

static void owner_nobody(struct gallery *gallery)
{
	gallery_error(gallery, "email", TEXT(MSG_wrong_owner));
	show_owner(gallery, NULL, false);
}

static void owner_busy(struct gallery *gallery)
{
	show_owner(gallery, "bruno@example.org", true);
}

const struct gallery_page gallery_domain_pages[] = {
	{ "domains", domains },
	{ "domains-fixed", domains_fixed },
	{ "domains-nothing", domains_nothing },
	{ "domains-none", domains_none },
	{ "domains-add", domain_add },
	{ "domains-add-wrong", domain_add_wrong },
	{ "domains-remove", domain_remove },
	{ "reserved-addresses", reserved },
	{ "reserved-addresses-nothing", reserved_nothing },
	{ "reserved-addresses-none", reserved_none },
	{ "mailbox-owner", owner },
	{ "mailbox-owner-nobody", owner_nobody },
	{ "mailbox-owner-busy", owner_busy },
	{ NULL, NULL }
};
