#ifndef VIEWS_LIST_H
#define VIEWS_LIST_H

/* Views that list mailboxes and domains. */

#include "views-mailbox.h"

struct view_domain_row {
	const char *name;
	uint64_t mailboxes;
	bool can_create;
};

struct view_mailbox_row {
	const char *address;
	struct view_mailbox_state state;
	/* In bytes. */
	uint64_t quota;
	uint64_t aliases;
	/* The owner's account, where others than the owner look. */
	const char *owner;
};

/* GET /home. search and after are its query. */
struct view_home {
	/* A super admin sees all domains, others those where they may make
	   mailboxes. */
	bool is_super_admin;
	const struct view_domain_row *domains;
	unsigned int domains_count;
	/* One's own mailboxes, of how many one may have; 0: any number. */
	const struct view_mailbox_row *mailboxes;
	unsigned int mailboxes_count, mailboxes_max;
	/* Super admin: as typed. */
	const char *search;
	/* The last name of this page of domains, if there are more, and whether
	   this is not the first page. */
	const char *next;
	bool is_later_page;
	/* The mail host has not looked for requests since; 0: all is well. */
	uint64_t host_silent_since;
	/* Super admin: no mail host has ever looked; those that do but open no
	   seal of this portal, and of several those that do no more, by name,
	   else NULL; requests wait for those without a name, and there is
	   none. */
	bool host_unknown, hosts_nameless;
	const char *host_other_key, *hosts_silent;
	/* Super admin: requests that are open, and those that ended in vain
	   within seven days. */
	uint64_t requests_open, requests_failed;
};
void view_home(struct buffer *out, const struct view_frame *frame,
	       const struct view_home *v);

enum view_domain_sort {
	VIEW_SORT_ADDRESS,
	VIEW_SORT_ADDRESS_DOWN,
	VIEW_SORT_QUOTA,
	VIEW_SORT_QUOTA_DOWN
};

/* GET /domain. name, search, sort ("address", "-address", "quota", "-quota")
   and after are its query. */
struct view_domain {
	const char *name;
	bool can_create;
	const struct view_mailbox_row *mailboxes;
	unsigned int mailboxes_count;
	/* All that the search finds. */
	uint64_t found;
	const char *search;
	enum view_domain_sort sort;
	/* sort as in the query. */
	const char *sort_name;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_domain(struct buffer *out, const struct view_frame *frame,
		 const struct view_domain *v);

#endif
