#include "http-uri.h"
#include "http-form.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define URI_MAX 4096

static bool characters_are_legal(const char *uri)
{
	const unsigned char *p = (const unsigned char *)uri;

	for (; *p != '\0'; p++) {
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"<>\\^`{|}#", *p))
			return false;
	}
	return true;
}

int http_uri_parse(struct arena *arena, const char *uri, const char **path_r,
		   struct http_pairs *query_r)
{
	const size_t path_size = strcspn(uri, "?");
	char *path;
	size_t len;
	int ret;

	if (strnlen(uri, URI_MAX + 1) > URI_MAX)
		return 0;
	if (uri[0] != '/' || !characters_are_legal(uri) ||
	    !http_form_decode(arena, uri, path_size, false, &path, &len) ||
	    !text_is_line(path, len))
		return -1;
	uri += path_size;
	if (*uri == '?')
		uri++;
	ret = http_form_parse(arena, uri, strlen(uri), &http_form_query_limits,
			      query_r);
	if (ret > 0)
		*path_r = path;
	return ret;
}
