#include "http-request.h"
#include "http-cookie.h"

#include <string.h>

static const char *find(const struct http_pairs *pairs, const char *name)
{
	size_t i;

	for (i = 0; i < pairs->count; i++) {
		if (strcmp(pairs->pairs[i].name, name) == 0)
			return pairs->pairs[i].value;
	}
	return NULL;
}

const char *http_request_query(const struct http_request *request,
			       const char *name)
{
	return find(&request->query, name);
}

const char *http_request_field(const struct http_request *request,
			       const char *name)
{
	return find(&request->form, name);
}

int http_request_cookie(const struct http_request *request, const char *name,
			const char **value_r)
{
	if (request->cookie_header == NULL)
		return 0;
	return http_cookie_find(request->arena, request->cookie_header, name,
				value_r);
}
