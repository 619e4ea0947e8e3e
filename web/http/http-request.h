#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

/* A request as pages see it: read whole, checked and within limits. Everything
   in it is in its arena and lives until the answer has been sent. One thread at
   a time. No page ever sees the HTTP library.

   Names and values of query and form are UTF-8 without control characters but
   for line feeds and tabs in fields; a request with others was answered 400. */

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum http_method {
	HTTP_METHOD_GET = 0x01,
	/* Pages see it as GET; the body is not sent. */
	HTTP_METHOD_HEAD = 0x02,
	HTTP_METHOD_POST = 0x04
};

/* As hex digits. */
#define HTTP_REQUEST_ID_LEN 16

struct http_pair {
	const char *name, *value;
};

struct http_pairs {
	struct http_pair *pairs;
	size_t count;
};

struct http_request {
	struct arena *arena;
	enum http_method method;
	/* Decoded, begins with a slash. */
	const char *path;
	/* Of the query string, and of a form that was posted. */
	struct http_pairs query, form;
	/* Random; in every log line and error page of this request. */
	char id[HTTP_REQUEST_ID_LEN + 1];
	/* Whose request it is: the peer's address, or the one a proxy that we
	   believe has put in front. Text, never empty; "unix" for a unix socket
	   without a proxy's word. */
	const char *client_address;
	/* The browser came by HTTPS, to us or to the proxy. */
	bool secure;
	/* Values of headers, NULL without. */
	const char *cookie_header, *accept_language, *user_agent;
	const char *if_none_match, *sec_fetch_site, *origin;
	bool accepts_gzip;
};

/* NULL if there is none. A name that comes twice was answered 400. */
const char *http_request_query(const struct http_request *request,
			       const char *name);
const char *http_request_field(const struct http_request *request,
			       const char *name);
/* Finds the cookie. Returns 1 if found, 0 if there is none, -1 if it comes
   twice: then none of them is to be believed. */
int http_request_cookie(const struct http_request *request, const char *name,
			const char **value_r);

#endif
