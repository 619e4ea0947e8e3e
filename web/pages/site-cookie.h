#ifndef SITE_COOKIE_H
#define SITE_COOKIE_H

/* The portal's cookies. All are for the whole site, for scripts not to be read
   and, if the portal is reached by HTTPS, for nothing else: then their names
   begin with "__Host-", so that no other site of the domain can set them. */

#include <stdbool.h>

struct page;

enum site_cookie {
	/* A session's token. */
	SITE_COOKIE_SESSION,
	/* Of people who are not logged in: what their forms' token derives
	   from. */
	SITE_COOKIE_FORM,
	/* The language they have chosen. */
	SITE_COOKIE_LANGUAGE,
	/* What the next page is to say. */
	SITE_COOKIE_NOTICE,
	/* A token, by which accounts know a browser they have logged in with:
	   it stays when a session ends, and is worth nothing without. */
	SITE_COOKIE_DEVICE,

	SITE_COOKIE_COUNT
};

/* The value of the request's cookie, or NULL if there is none, or several. */
const char *site_cookie_find(const struct page *page, enum site_cookie cookie);
/* max_age_secs 0: until the browser is closed. The value has only letters,
   digits, hyphens and dots. */
void site_cookie_set(struct page *page, enum site_cookie cookie,
		     const char *value, unsigned int max_age_secs);
void site_cookie_clear(struct page *page, enum site_cookie cookie);

#endif
