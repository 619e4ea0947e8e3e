#include "text.h"

#include <stdint.h>

/* How many bytes the character at p takes, 0 if it is none. */
static size_t char_size(const unsigned char *p, size_t size, uint32_t *char_r)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, count;
	uint32_t c;

	if (p[0] < 0x80) {
		*char_r = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	count = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (size < count)
		return 0;
	c = p[0] & (0x7fU >> count);
	for (i = 1; i < count; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < smallest[count] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*char_r = c;
	return count;
}

static bool is_clean(const char *text, size_t size, bool lines)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c = 0;
	size_t count;

	while (size > 0) {
		count = char_size(p, size, &c);
		if (count == 0)
			return false;
		if ((c < 0x20 || (c >= 0x7f && c < 0xa0)) &&
		    !(lines && (c == '\n' || c == '\t')))
			return false;
		p += count;
		size -= count;
	}
	return true;
}

bool text_is_line(const char *text, size_t size)
{
	return is_clean(text, size, false);
}

bool text_is_lines(const char *text, size_t size)
{
	return is_clean(text, size, true);
}

size_t text_characters(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}
