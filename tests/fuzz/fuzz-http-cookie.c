#include "fuzz.h"

#include "arena.h"
#include "http-cookie.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	const char *header;
	const char *value;

	header = arena_strndup(arena, (const char *)data, size);
	if (http_cookie_find(arena, header, "s", &value) > 0 &&
	    strpbrk(value, " \t\r\n;,\"\\") != NULL)
		abort();
	(void)http_cookie_find(arena, header, "__Host-session", &value);
	arena_free(&arena);
	return 0;
}
