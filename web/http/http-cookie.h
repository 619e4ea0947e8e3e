#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

struct arena;

/* Finds a cookie in the value of a Cookie header (RFC 6265, section 4.2.1).
   Returns 1 with its value, in the arena; 0 if it is not there or its value has
   other characters than a cookie may have; -1 if it comes twice: then somebody
   has planted one, and none of them is to be believed. */
int http_cookie_find(struct arena *arena, const char *header, const char *name,
		     const char **value_r);

#endif
