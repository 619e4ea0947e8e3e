#include "quota.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char units[] = "bkMGT";

/* What follows a unit's first letter: "", "B", "iB", or, as the French write it,
   "o", "io". */
static bool is_rest_of_unit(const char *text)
{
	return *text == '\0' || strcasecmp(text, "b") == 0 ||
		strcasecmp(text, "ib") == 0 || strcasecmp(text, "o") == 0 ||
		strcasecmp(text, "io") == 0;
}

/* What follows the number: "", "b", "k", "kB", "kiB", "ko" ... Returns the power
   of 1024, or -1. */
static int parse_unit(const char *text)
{
	unsigned int i;

	if (*text == '\0' || strcasecmp(text, "b") == 0 ||
	    strcasecmp(text, "o") == 0)
		return 0;
	for (i = 1; units[i] != '\0'; i++) {
		if (strncasecmp(text, &units[i], 1) == 0 &&
		    is_rest_of_unit(text + 1))
			return (int)i;
	}
	return -1;
}

/* Also those that do not break a line, which pages have there. */
static const char *skip_spaces(const char *p)
{
	static const char *const spaces[] = {
		" ", "\xc2\xa0", "\xe2\x80\xaf"
	};
	unsigned int i;

	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		const size_t len = strlen(spaces[i]);

		if (strncmp(p, spaces[i], len) == 0)
			return skip_spaces(p + len);
	}
	return p;
}

bool quota_parse(const char *text, uint64_t *bytes_r)
{
	uint64_t bytes = 0;
	const char *p;
	int power;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		const unsigned int digit = (unsigned int)(*p - '0');

		if (bytes > (UINT64_MAX - digit) / 10)
			return false;
		bytes = bytes * 10 + digit;
	}
	if (p == text)
		return false;
	text = p;
	p = skip_spaces(p);
	power = parse_unit(p);
	if (power < 0 || (*p == '\0' && p != text))
		return false;
	for (; power > 0; power--) {
		if (bytes > UINT64_MAX / 1024)
			return false;
		bytes *= 1024;
	}
	*bytes_r = bytes;
	return true;
}

void quota_write(uint64_t bytes, enum quota_format format,
		 char text_r[QUOTA_TEXT_SIZE])
{
	unsigned int power = 0;

	if (format == QUOTA_HUMAN) {
		while (bytes > 0 && bytes % 1024 == 0 && units[power + 1]) {
			bytes /= 1024;
			power++;
		}
	}
	if (power == 0)
		(void)snprintf(text_r, QUOTA_TEXT_SIZE, "%llu",
			       (unsigned long long)bytes);
	else
		(void)snprintf(text_r, QUOTA_TEXT_SIZE, "%llu%c",
			       (unsigned long long)bytes, units[power]);
}

bool quota_format_parse(const char *name, enum quota_format *format_r)
{
	if (strcmp(name, "bytes") == 0)
		*format_r = QUOTA_BYTES;
	else if (strcmp(name, "human") == 0)
		*format_r = QUOTA_HUMAN;
	else
		return false;
	return true;
}
