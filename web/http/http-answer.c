#include "http-private.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A year and more, as browsers' lists of such hosts want it. */
#define HSTS "max-age=63072000; includeSubDomains"

static const struct {
	const char *name, *value;
} security_headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; style-src 'self'; script-src 'self'; "
	  "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
	  "base-uri 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	/* With no-referrer, forms would be sent with "Origin: null". */
	{ "Referrer-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy",
	  "accelerometer=(), autoplay=(), camera=(), display-capture=(), "
	  "geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), "
	  "usb=()" },
};

struct body {
	char *data;
	size_t size;
};

static void body_free(void *context)
{
	struct body *body = context;

	explicit_bzero(body->data, body->size);
	free(body->data);
	free(body);
}

/* Pages may show secrets once, such as backup codes. */
static struct MHD_Response *create_wiped(struct buffer *buffer)
{
	struct body *body = malloc(sizeof(*body));
	struct MHD_Response *mhd;

	if (body == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	body->data = buffer_take(buffer, &body->size);
	mhd = MHD_create_response_from_buffer_with_free_callback_cls(
		body->size, body->data, body_free, body);
	if (mhd == NULL)
		body_free(body);
	return mhd;
}

static bool add(struct MHD_Response *mhd, const char *name, const char *value)
{
	return value == NULL || value[0] == '\0' ||
		MHD_add_response_header(mhd, name, value) == MHD_YES;
}

static bool add_security(struct MHD_Response *mhd,
			 const struct exchange *exchange)
{
	const size_t count = sizeof(security_headers) /
		sizeof(security_headers[0]);
	size_t i;

	for (i = 0; i < count; i++) {
		if (!add(mhd, security_headers[i].name,
			 security_headers[i].value))
			return false;
	}
	return !exchange->server->set->secure ||
		!exchange->public.request.secure ||
		add(mhd, "Strict-Transport-Security", HSTS);
}

static bool add_cookies(struct MHD_Response *mhd,
			const struct http_response *response)
{
	unsigned int i;

	for (i = 0; i < response->cookies_count; i++) {
		if (!add(mhd, "Set-Cookie", response->cookies[i]))
			return false;
	}
	return true;
}

static bool add_headers(struct MHD_Response *mhd,
			const struct exchange *exchange)
{
	const struct http_response *response = &exchange->public.response;
	const bool forever = response->cache == HTTP_CACHE_FOREVER;
	char retry_after[16] = "";

	if (response->retry_after > 0)
		(void)snprintf(retry_after, sizeof(retry_after), "%u",
			       response->retry_after);
	return add_security(mhd, exchange) && add_cookies(mhd, response) &&
		add(mhd, "Content-Type", response->content_type) &&
		add(mhd, "Content-Encoding", response->content_encoding) &&
		add(mhd, "Location", response->location) &&
		add(mhd, "Allow", response->allow) &&
		add(mhd, "ETag", response->etag) &&
		add(mhd, "Retry-After", retry_after) &&
		add(mhd, "Vary", forever ? "Accept-Encoding" : NULL) &&
		add(mhd, "Cache-Control", forever ?
		    "public, max-age=31536000, immutable" : "no-store") &&
		add(mhd, "Connection",
		    http_server_is_stopping(exchange->server) ? "close" : NULL);
}

enum MHD_Result exchange_send(struct exchange *exchange)
{
	struct http_response *response = &exchange->public.response;
	struct MHD_Response *mhd;
	enum MHD_Result ret = MHD_NO;

	mhd = response->static_data != NULL ?
		MHD_create_response_from_buffer_static(response->static_size,
						       response->static_data) :
		create_wiped(&response->body);
	if (mhd == NULL)
		return MHD_NO;
	/* If a header is refused, its value holds what it must not: rather no
	   answer than one that lacks it. */
	if (add_headers(mhd, exchange))
		ret = MHD_queue_response(exchange->mhd, response->status, mhd);
	MHD_destroy_response(mhd);
	return ret;
}
