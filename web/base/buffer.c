#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN_SIZE 256

static void out_of_memory(void)
{
	fputs("<2>out of memory\n", stderr);
	abort();
}

/* Room for more bytes and a NUL. Not realloc(): what is left behind is
   wiped. */
static void buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t allocated = buffer->allocated;
	char *data;

	if (more > SIZE_MAX / 4 - buffer->size)
		out_of_memory();
	if (buffer->size + more < allocated)
		return;
	if (allocated == 0)
		allocated = BUFFER_MIN_SIZE;
	while (allocated <= buffer->size + more)
		allocated *= 2;
	data = malloc(allocated);
	if (data == NULL)
		out_of_memory();
	if (buffer->data != NULL) {
		memcpy(data, buffer->data, buffer->size);
		explicit_bzero(buffer->data, buffer->size);
		free(buffer->data);
	}
	data[buffer->size] = '\0';
	buffer->data = data;
	buffer->allocated = allocated;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	buffer_reserve(buffer, size);
	if (size > 0)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void buffer_append_str(struct buffer *buffer, const char *str)
{
	buffer_append(buffer, str, strlen(str));
}

void buffer_append_char(struct buffer *buffer, char c)
{
	buffer_append(buffer, &c, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	buffer_reserve(buffer, (size_t)len);
	va_start(args, format);
	(void)vsnprintf(buffer->data + buffer->size, (size_t)len + 1, format,
			args);
	va_end(args);
	buffer->size += (size_t)len;
}

const char *buffer_str(const struct buffer *buffer)
{
	return buffer->data == NULL ? "" : buffer->data;
}

void buffer_free(struct buffer *buffer)
{
	if (buffer->data != NULL) {
		explicit_bzero(buffer->data, buffer->size);
		free(buffer->data);
	}
	*buffer = (struct buffer)BUFFER_INIT;
}

char *buffer_take(struct buffer *buffer, size_t *size_r)
{
	char *data;

	buffer_reserve(buffer, 0);
	data = buffer->data;
	*size_r = buffer->size;
	*buffer = (struct buffer)BUFFER_INIT;
	return data;
}
