#include "bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void bytes_random(void *data_r, size_t size)
{
	unsigned char *p = data_r;
	ssize_t ret;

	while (size > 0) {
		ret = getrandom(p, size, 0);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0) {
			fputs("<2>getrandom() failed\n", stderr);
			abort();
		}
		p += ret;
		size -= (size_t)ret;
	}
}

void bytes_to_hex(const void *data, size_t size, char *hex_r)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < size; i++) {
		hex_r[2 * i] = digits[p[i] >> 4];
		hex_r[2 * i + 1] = digits[p[i] & 0xf];
	}
	hex_r[2 * size] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool bytes_from_hex(const char *text, void *data_r, size_t size)
{
	unsigned char *p = data_r;
	size_t i;

	if (strnlen(text, 2 * size + 1) != 2 * size)
		return false;
	for (i = 0; i < 2 * size; i++) {
		if (digit_value(text[i]) < 0)
			return false;
	}
	for (i = 0; i < size; i++)
		p[i] = (unsigned char)(digit_value(text[2 * i]) << 4 |
				       digit_value(text[2 * i + 1]));
	return true;
}

bool bytes_equal(const void *a, const void *b, size_t size)
{
	const volatile unsigned char *p = a, *q = b;
	unsigned char difference = 0;
	size_t i;

	for (i = 0; i < size; i++)
		difference |= p[i] ^ q[i];
	return difference == 0;
}
