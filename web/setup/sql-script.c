#include "sql-script.h"
#include "arena.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define WORD "DELIMITER"
#define SPACE " \t\r\n"

void sql_script_init(struct sql_script *script, const char *text)
{
	script->rest = text;
	memcpy(script->delimiter, ";", 2);
}

static const char *skip_line(const char *p)
{
	p += strcspn(p, "\n");
	return *p == '\n' ? p + 1 : p;
}

/* The end of the comment that begins here, or NULL. "--" needs a space. */
static const char *comment_end(const char *p)
{
	const char *end;

	if (*p == '#' ||
	    (p[0] == '-' && p[1] == '-' && strchr(SPACE, p[2]) != NULL))
		return skip_line(p);
	/* what is only for some versions is no comment */
	if (p[0] != '/' || p[1] != '*' || p[2] == '!' || p[2] == 'M')
		return NULL;
	end = strstr(p + 2, "*/");
	return end == NULL ? p + strlen(p) : end + 2;
}

static const char *quotes_end(const char *p)
{
	const char quote = *p++;

	while (*p != '\0') {
		if (*p == '\\' && quote != '`' && p[1] != '\0')
			p += 2;
		else if (*p++ == quote)
			return p;
	}
	return p;
}

static bool is_delimiter_line(const char *p)
{
	return strncasecmp(p, WORD, strlen(WORD)) == 0 &&
		(p[strlen(WORD)] == ' ' || p[strlen(WORD)] == '\t');
}

/* Where a statement begins; lines that change the delimiter are obeyed. */
static const char *find_begin(struct sql_script *script, const char *p)
{
	const char *next;
	size_t size;

	for (;;) {
		p += strspn(p, SPACE);
		if ((next = comment_end(p)) != NULL) {
			p = next;
			continue;
		}
		if (!is_delimiter_line(p))
			return p;
		p += strlen(WORD);
		p += strspn(p, " \t");
		size = strcspn(p, SPACE);
		if (size > 0 && size <= SQL_DELIMITER_MAX) {
			memcpy(script->delimiter, p, size);
			script->delimiter[size] = '\0';
		}
		p = skip_line(p);
	}
}

bool sql_script_next(struct sql_script *script, struct arena *arena,
		     const char **statement_r)
{
	const char *begin, *end, *next;
	size_t size;

	do {
		begin = find_begin(script, script->rest);
		size = strlen(script->delimiter);
		for (end = begin; *end != '\0'; end = next) {
			if (strncmp(end, script->delimiter, size) == 0)
				break;
			if ((next = comment_end(end)) != NULL)
				continue;
			next = strchr("'\"`", *end) != NULL ?
				quotes_end(end) : end + 1;
		}
		script->rest = *end == '\0' ? end : end + size;
		while (end > begin && strchr(SPACE, end[-1]) != NULL)
			end--;
	} while (end == begin && *script->rest != '\0');
	*statement_r = arena_strndup(arena, begin, (size_t)(end - begin));
	return end > begin;
}
