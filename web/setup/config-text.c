#include "config-text.h"
#include "arena.h"
#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *next_line(const char *p)
{
	p += strcspn(p, "\n");
	return *p == '\n' ? p + 1 : p;
}

/* The line that sets the key, or else the one that would without its "#". */
static const char *find_line(const char *text, const char *key, bool commented)
{
	const size_t size = strlen(key);
	const char *p, *line;

	for (line = text; *line != '\0'; line = next_line(line)) {
		p = line;
		if (commented && *p++ != '#')
			continue;
		if (strncmp(p, key, size) == 0 &&
		    p[size + strspn(p + size, " \t")] == '=')
			return line;
	}
	return NULL;
}

/* With lines in which its value goes on. */
static const char *find_end(const char *line)
{
	const bool commented = *line == '#';

	for (line = next_line(line); *line != '\0'; line = next_line(line)) {
		const char *p = line;

		if (commented && *p++ != '#')
			break;
		if (*p != '\t' && (commented || *p != ' '))
			break;
	}
	return line;
}

const char *config_text_get(struct arena *arena, const char *text,
			    const char *key)
{
	const char *line = find_line(text, key, false);
	size_t size;

	if (line == NULL)
		return NULL;
	line = strchr(line, '=') + 1;
	line += strspn(line, " \t");
	size = strcspn(line, "\n");
	while (size > 0 && strchr(" \t\r", line[size - 1]) != NULL)
		size--;
	return arena_strndup(arena, line, size);
}

static void append_commented(struct buffer *out, const char *line,
			     const char *end)
{
	for (; line < end; line = next_line(line)) {
		buffer_append_char(out, '#');
		buffer_append(out, line, (size_t)(next_line(line) - line));
	}
}

const char *config_text_set(struct arena *arena, const char *text,
			    const char *key, const char *value)
{
	struct buffer out = BUFFER_INIT;
	const char *line = find_line(text, key, false), *end;

	if (line == NULL && value == NULL)
		return text;
	if (line == NULL)
		line = find_line(text, key, true);
	if (line == NULL)
		line = text + strlen(text);
	end = *line == '\0' ? line : find_end(line);
	buffer_append(&out, text, (size_t)(line - text));
	if (value == NULL) {
		append_commented(&out, line, end);
	} else {
		if (line > text && line[-1] != '\n')
			buffer_append_char(&out, '\n');
		buffer_printf(&out, "%s = %s\n", key, value);
	}
	buffer_append_str(&out, end);
	text = arena_strdup(arena, buffer_str(&out));
	buffer_free(&out);
	return text;
}
