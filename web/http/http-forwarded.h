#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

/* Whose request it is, when proxies stand between. Pure. */

#include "network.h"

#include <stdbool.h>

struct http_forwarded {
	/* Of the client. */
	struct network_address address;
	bool secure;
};

/* forwarded_for and forwarded_proto are the values of X-Forwarded-For and
   X-Forwarded-Proto, or NULL. They are believed only if the peer is one of the
   trusted, and then only as far as the trusted have written them: from the
   right, up to the first address that is not trusted. What is malformed or too
   long is not believed at all. */
void http_forwarded(const struct network_address *peer,
		    const char *forwarded_for, const char *forwarded_proto,
		    const struct network *trusted, size_t trusted_count,
		    struct http_forwarded *forwarded_r);

#endif
