#ifndef BUFFER_H
#define BUFFER_H

/* Bytes that grow as they are appended. Running out of memory ends the process.
   One thread at a time. */

#include "attributes.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	/* Always followed by a NUL, which size does not count; NULL as long as
	   nothing was appended. */
	char *data;
	size_t size;
	/* private */
	size_t allocated;
};

#define BUFFER_INIT { NULL, 0, 0 }

void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_str(struct buffer *buffer, const char *str);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	ATTR_FORMAT(2, 3);

/* The text so far, "" if nothing was appended; valid until the next change. */
const char *buffer_str(const struct buffer *buffer);
/* Wipes and frees what it holds; it can be used again. */
void buffer_free(struct buffer *buffer);
/* Hands the bytes to the caller, who frees them with free(), and empties the
   buffer. Never NULL. */
char *buffer_take(struct buffer *buffer, size_t *size_r);

#endif
