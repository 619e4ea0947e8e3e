#ifndef ROUTES_H
#define ROUTES_H

/* The table of all pages: the only place where a path, who may see it and what
   answers it come together. */

#include "page.h"

#include <stdbool.h>
#include <stddef.h>

enum route_role {
	ROUTE_ROLE_ANYONE,
	/* Logged in. */
	ROUTE_ROLE_USER,
	/* Or a super admin. */
	ROUTE_ROLE_ADMIN,
	ROUTE_ROLE_SUPER_ADMIN
};

struct route {
	/* Matches exactly or, if it ends with a slash and is not only that,
	   all that begins with it. */
	const char *path;
	/* Bits of enum http_method; HEAD goes with GET. */
	unsigned int methods;
	enum route_role role;
	/* Of a posted form. */
	size_t body_max;
	page_handler_t *handler;
	/* Even forms of people who are not logged in have a token, unless it
	   says no here. */
	bool without_csrf;
	/* Costs no look at the session. */
	bool without_session;
};

extern const struct route routes[];
extern const unsigned int routes_count;

/* NULL if there is no page at this path. */
const struct route *routes_find(const char *path);
/* What a route answers to, as an Allow header has it. */
const char *route_allow(const struct route *route);

#endif
