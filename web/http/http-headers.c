#include "http-private.h"
#include "arena.h"
#include "http-encoding.h"
#include "http-form.h"
#include "http-forwarded.h"
#include "http-origin.h"
#include "http-uri.h"
#include "settings.h"
#include "text.h"

#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

/* Those we look at. */
enum header {
	HEADER_HOST, HEADER_CONTENT_LENGTH, HEADER_TRANSFER_ENCODING,
	HEADER_CONTENT_TYPE, HEADER_CONTENT_ENCODING, HEADER_COOKIE,
	HEADER_ORIGIN, HEADER_SEC_FETCH_SITE, HEADER_FORWARDED_FOR,
	HEADER_FORWARDED_PROTO, HEADER_ACCEPT_LANGUAGE,
	HEADER_ACCEPT_ENCODING, HEADER_USER_AGENT, HEADER_IF_NONE_MATCH,
	HEADER_COUNT
};

static const struct {
	const char *name;
	/* May come more than once: a list, of which we see one line. */
	bool list;
} headers[HEADER_COUNT] = {
	[HEADER_HOST] = { "Host", false },
	[HEADER_CONTENT_LENGTH] = { "Content-Length", false },
	[HEADER_TRANSFER_ENCODING] = { "Transfer-Encoding", false },
	[HEADER_CONTENT_TYPE] = { "Content-Type", false },
	[HEADER_CONTENT_ENCODING] = { "Content-Encoding", false },
	[HEADER_COOKIE] = { "Cookie", false },
	[HEADER_ORIGIN] = { "Origin", false },
	[HEADER_SEC_FETCH_SITE] = { "Sec-Fetch-Site", false },
	[HEADER_FORWARDED_FOR] = { "X-Forwarded-For", true },
	[HEADER_FORWARDED_PROTO] = { "X-Forwarded-Proto", false },
	[HEADER_ACCEPT_LANGUAGE] = { "Accept-Language", true },
	[HEADER_ACCEPT_ENCODING] = { "Accept-Encoding", true },
	[HEADER_USER_AGENT] = { "User-Agent", false },
	[HEADER_IF_NONE_MATCH] = { "If-None-Match", true },
};

/* libmicrohttpd refuses in words of its own, without our headers, what does not
   fit into MEMORY_PER_CONNECTION: this does. */
#define HEADERS_MAX 100
#define HEADERS_SIZE_MAX (8 * 1024)

struct found {
	struct arena *arena;
	unsigned int count;
	size_t size;
	const char *values[HEADER_COUNT];
	bool twice;
};

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind,
			       const char *name, size_t name_size,
			       const char *value, size_t value_size)
{
	struct found *found = context;
	unsigned int i;

	(void)kind;
	found->count++;
	/* with ": " and the end of the line */
	found->size += name_size + value_size + 4;
	for (i = 0; i < HEADER_COUNT; i++) {
		if (strcasecmp(name, headers[i].name) == 0)
			break;
	}
	if (i == HEADER_COUNT)
		return MHD_YES;
	if (value == NULL) {
		value = "";
		value_size = 0;
	}
	if (found->values[i] == NULL)
		found->values[i] = arena_strndup(found->arena, value,
						 value_size);
	else if (headers[i].list)
		found->values[i] = arena_printf(found->arena, "%s,%s",
						found->values[i], value);
	else
		found->twice = true;
	return MHD_YES;
}

static unsigned int read_method(struct exchange *exchange)
{
	static const char *const known[] = {
		"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"
	};
	const char *method = exchange->method_text;
	unsigned int i;

	if (strcmp(method, "GET") == 0)
		exchange->public.request.method = HTTP_METHOD_GET;
	else if (strcmp(method, "HEAD") == 0)
		exchange->public.request.method = HTTP_METHOD_HEAD;
	else if (strcmp(method, "POST") == 0)
		exchange->public.request.method = HTTP_METHOD_POST;
	else {
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (strcmp(method, known[i]) != 0)
				continue;
			exchange->public.response.allow = "GET, HEAD, POST";
			return 405;
		}
		return 501;
	}
	return 0;
}

static unsigned int read_uri(struct exchange *exchange)
{
	struct http_request *request = &exchange->public.request;

	switch (http_uri_parse(request->arena, exchange->uri, &request->path,
			       &request->query)) {
	case 0:
		return 414;
	case -1:
		return 400;
	}
	return 0;
}

static bool is_form_type(const char *type)
{
	const size_t len = strlen(FORM_TYPE);

	if (type == NULL || strncasecmp(type, FORM_TYPE, len) != 0)
		return false;
	type += len;
	type += strspn(type, " \t");
	if (*type == '\0')
		return true;
	if (*type++ != ';')
		return false;
	type += strspn(type, " \t");
	return strcasecmp(type, "charset=utf-8") == 0;
}

/* libmicrohttpd has read the number already; saturated is enough for us. */
static size_t parse_length(const char *text)
{
	size_t length = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		if (length > SIZE_MAX / 100)
			return SIZE_MAX;
		length = length * 10 + (size_t)(*text - '0');
	}
	return length;
}

static unsigned int read_body_headers(struct exchange *exchange,
				      const struct found *found)
{
	const char *length = found->values[HEADER_CONTENT_LENGTH];
	const char *encoding = found->values[HEADER_TRANSFER_ENCODING];
	bool has_body;

	if (length != NULL && encoding != NULL)
		return 400;
	exchange->body_size = length == NULL ? 0 : parse_length(length);
	has_body = exchange->body_size > 0 || encoding != NULL;
	if (exchange->public.request.method != HTTP_METHOD_POST)
		return has_body ? 400 : 0;
	exchange->body_is_foreign = has_body &&
		(!is_form_type(found->values[HEADER_CONTENT_TYPE]) ||
		 found->values[HEADER_CONTENT_ENCODING] != NULL);
	return 0;
}

static void read_client(struct exchange *exchange, const struct found *found)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		exchange->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct settings *set = exchange->server->set;
	struct http_request *request = &exchange->public.request;
	struct network_address peer = { .is_unix = true };
	struct http_forwarded forwarded;
	char text[NETWORK_ADDRESS_TEXT_SIZE];

	if (info != NULL && info->client_addr != NULL)
		network_address_from_sockaddr(info->client_addr, &peer);
	http_forwarded(&peer, found->values[HEADER_FORWARDED_FOR],
		       found->values[HEADER_FORWARDED_PROTO],
		       set->trusted_proxies, set->trusted_proxies_count,
		       &forwarded);
	network_address_text(&forwarded.address, text);
	request->client_address = arena_strdup(request->arena, text);
	request->secure = forwarded.secure;
}

/* What is no clean text is as good as not there. */
static const char *clean(const struct found *found, enum header header)
{
	const char *value = found->values[header];

	return value != NULL && text_is_line(value, strlen(value)) ?
		value : NULL;
}

static void read_rest(struct http_request *request, const struct found *found)
{
	const char *encodings = found->values[HEADER_ACCEPT_ENCODING];

	request->cookie_header = clean(found, HEADER_COOKIE);
	request->accept_language = clean(found, HEADER_ACCEPT_LANGUAGE);
	request->user_agent = clean(found, HEADER_USER_AGENT);
	request->if_none_match = clean(found, HEADER_IF_NONE_MATCH);
	request->sec_fetch_site = found->values[HEADER_SEC_FETCH_SITE];
	request->origin = found->values[HEADER_ORIGIN];
	request->accepts_gzip = http_encodings_have_gzip(encodings);
}

unsigned int exchange_read_headers(struct exchange *exchange)
{
	struct http_request *request = &exchange->public.request;
	struct found found = { .arena = request->arena };
	unsigned int status;

	(void)MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND,
					  collect, &found);
	read_client(exchange, &found);
	read_rest(request, &found);
	status = read_method(exchange);
	if (status != 0)
		return status;
	status = read_uri(exchange);
	if (status != 0)
		return status;
	if (found.count > HEADERS_MAX || found.size > HEADERS_SIZE_MAX)
		return 431;
	if (found.twice)
		return 400;
	status = read_body_headers(exchange, &found);
	if (status != 0)
		return status;
	if (request->method == HTTP_METHOD_POST &&
	    !http_origin_is_ours(request, exchange->server->set->base_url))
		return 403;
	return 0;
}

unsigned int exchange_read_form(struct exchange *exchange)
{
	struct http_request *request = &exchange->public.request;

	switch (http_form_parse(request->arena, buffer_str(&exchange->body),
				exchange->body.size, &http_form_body_limits,
				&request->form)) {
	case 0:
		return 413;
	case -1:
		return 400;
	}
	return 0;
}
