#include "http-cookie.h"
#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* cookie-octet */
static bool value_is_legal(const char *value, size_t len)
{
	const unsigned char *p = (const unsigned char *)value;
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7f ||
		    strchr("\",;\\", p[i]) != NULL)
			return false;
	}
	return true;
}

static void trim(const char **str, size_t *len)
{
	while (*len > 0 && (**str == ' ' || **str == '\t')) {
		(*str)++;
		(*len)--;
	}
	while (*len > 0 && ((*str)[*len - 1] == ' ' ||
			    (*str)[*len - 1] == '\t'))
		(*len)--;
}

/* Whether it is the cookie of this name; then only its value is left. */
static bool cookie_value(const char **pair, size_t *len, const char *name)
{
	const size_t name_len = strlen(name);

	trim(pair, len);
	if (*len <= name_len || memcmp(*pair, name, name_len) != 0 ||
	    (*pair)[name_len] != '=')
		return false;
	*pair += name_len + 1;
	*len -= name_len + 1;
	return true;
}

int http_cookie_find(struct arena *arena, const char *header, const char *name,
		     const char **value_r)
{
	const char *pair, *value = NULL;
	size_t len, value_len = 0;

	for (;;) {
		pair = header;
		len = strcspn(pair, ";");
		header += len;
		if (cookie_value(&pair, &len, name)) {
			if (value != NULL)
				return -1;
			value = pair;
			value_len = len;
		}
		if (*header == '\0')
			break;
		header++;
	}
	if (value == NULL || !value_is_legal(value, value_len))
		return 0;
	*value_r = arena_strndup(arena, value, value_len);
	return 1;
}
