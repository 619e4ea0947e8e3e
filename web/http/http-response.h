#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

/* The answer a page makes. The server adds the headers that every answer has
   (Content-Security-Policy and the like), so that no page can forget them. */

#include "buffer.h"

#include <stdbool.h>

enum http_cache {
	/* Pages with data: Cache-Control: no-store. */
	HTTP_CACHE_NONE,
	/* Its address changes with its content. */
	HTTP_CACHE_FOREVER
};

#define HTTP_COOKIES_MAX 4

struct http_response {
	unsigned int status;
	/* Static text. */
	const char *content_type;
	struct buffer body;
	/* Instead of body: static bytes that are never freed. */
	const void *static_data;
	size_t static_size;
	/* "gzip" if static_data is, else NULL. */
	const char *content_encoding;
	/* Of redirections, a path of ours; NULL without. In the arena. */
	const char *location;
	/* Values of Set-Cookie headers, in the arena. */
	const char *cookies[HTTP_COOKIES_MAX];
	unsigned int cookies_count;
	/* Seconds for a Retry-After header; 0 without. */
	unsigned int retry_after;
	/* Methods for an Allow header (405), or NULL. */
	const char *allow;
	/* Quoted, or NULL. Static text. */
	const char *etag;
	enum http_cache cache;
};

#endif
