#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (16 * 1024)
#define ALIGNED(size) \
	(((size) + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1))

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *newest;
};

static void out_of_memory(void)
{
	fputs("<2>out of memory\n", stderr);
	abort();
}

struct arena *arena_create(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		out_of_memory();
	return arena;
}

static void blocks_free(struct block *block)
{
	struct block *next;

	for (; block != NULL; block = next) {
		next = block->next;
		explicit_bzero(block->data, block->used);
		free(block);
	}
}

void arena_free(struct arena **_arena)
{
	struct arena *arena = *_arena;

	if (arena == NULL)
		return;
	*_arena = NULL;
	blocks_free(arena->newest);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *block = arena->newest;

	if (block == NULL)
		return;
	blocks_free(block->next);
	block->next = NULL;
	explicit_bzero(block->data, block->used);
	block->used = 0;
}

static struct block *block_add(struct arena *arena, size_t size)
{
	const size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct block *block = calloc(1, sizeof(*block) + block_size);

	if (block == NULL)
		out_of_memory();
	block->size = block_size;
	block->next = arena->newest;
	arena->newest = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->newest;
	void *data;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	size = ALIGNED(size);
	if (block == NULL || block->size - block->used < size)
		block = block_add(arena, size);
	data = block->data + block->used;
	block->used += size;
	return data;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	return arena_alloc(arena, total);
}

void *arena_memdup(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *arena_strndup(struct arena *arena, const char *str, size_t size)
{
	const size_t len = strnlen(str, size);
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, str, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *str)
{
	return arena_strndup(arena, str, strlen(str));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *str;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	str = arena_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	(void)vsnprintf(str, (size_t)len + 1, format, args);
	va_end(args);
	return str;
}
