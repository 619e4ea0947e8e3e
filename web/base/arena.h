#ifndef ARENA_H
#define ARENA_H

/* Memory that lives as long as one request, and is wiped when it ends: all that
   a request reads, passwords too, is in its arena. An allocation that fails
   ends the process, so whoever lets a client decide on a size caps it first.

   An arena is used by one thread at a time. */

#include "attributes.h"

#include <stddef.h>

struct arena;

struct arena *arena_create(void);
/* Wipes all that was allocated from it, and sets *arena to NULL. */
void arena_free(struct arena **arena);
/* Wipes it as well, and keeps some of its memory for what comes next. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* count times size, checked for overflow. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
#define arena_new(arena, type, count) \
	((type *)arena_calloc(arena, count, sizeof(type)))

char *arena_strdup(struct arena *arena, const char *str);
/* At most size bytes of str, and a NUL. */
char *arena_strndup(struct arena *arena, const char *str, size_t size);
void *arena_memdup(struct arena *arena, const void *data, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...)
	ATTR_FORMAT(2, 3);

#endif
