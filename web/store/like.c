#include "like.h"
#include "arena.h"

#include <string.h>

const char *like_pattern(struct arena *arena, const char *search)
{
	const char *p = search == NULL ? "" : search;
	char *pattern = arena_alloc(arena, 2 * strlen(p) + 3);
	size_t size = 0;

	pattern[size++] = '%';
	for (; *p != '\0'; p++) {
		if (*p == '%' || *p == '_' || *p == '\\')
			pattern[size++] = '\\';
		pattern[size++] = *p;
	}
	/* "%%" would be "%", and no slower */
	pattern[size] = '%';
	return pattern;
}
