#include "fuzz.h"

#include "arena.h"
#include "http-request.h"
#include "http-uri.h"
#include "routes.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	const char *uri = arena_strndup(arena, (const char *)data, size);
	struct http_pairs query;
	const char *path;

	if (http_uri_parse(arena, uri, &path, &query) > 0) {
		if (path[0] != '/' || !text_is_line(path, strlen(path)))
			abort();
		(void)routes_find(path);
	}
	arena_free(&arena);
	return 0;
}
