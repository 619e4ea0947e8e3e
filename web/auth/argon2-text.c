#include "argon2-text.h"

#include <string.h>

static bool skip(const char **p, const char *word)
{
	const size_t size = strlen(word);

	if (strncmp(*p, word, size) != 0)
		return false;
	*p += size;
	return true;
}

static bool parse_number(const char **p, unsigned int max,
			 unsigned int *number_r)
{
	const char *begin = *p;
	unsigned int number = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		number = number * 10 + (unsigned int)(**p - '0');
		if (number > max)
			return false;
	}
	*number_r = number;
	return *p != begin && number > 0;
}

bool argon2_text_parse(const char *encoded, struct argon2_text *text_r)
{
	const char *p = encoded;

	text_r->is_id = skip(&p, "$argon2id$");
	if (!text_r->is_id && !skip(&p, "$argon2i$"))
		return false;
	return skip(&p, "v=19$m=") &&
		parse_number(&p, ARGON2_MEMORY_MAX, &text_r->memory) &&
		skip(&p, ",t=") &&
		parse_number(&p, ARGON2_TIME_MAX, &text_r->time) &&
		skip(&p, ",p=") &&
		parse_number(&p, ARGON2_LANES_MAX, &text_r->lanes) &&
		skip(&p, "$");
}
