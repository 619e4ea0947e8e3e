#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdbool.h>

struct http_request;

/* Whether a form was sent by a page of ours, as far as the browser tells: its
   Origin and Sec-Fetch-Site headers are held against the portal's own address.
   A client that sends neither gets the benefit of the doubt; the token in the
   form protects as well. */
bool http_origin_is_ours(const struct http_request *request,
			 const char *base_url);

#endif
