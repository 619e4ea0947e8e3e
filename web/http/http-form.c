#include "http-form.h"
#include "arena.h"
#include "http-request.h"
#include "text.h"

#include <string.h>

const struct http_form_limits http_form_body_limits = {
	.pairs = 64, .name_size = 64, .value_size = 4096
};
const struct http_form_limits http_form_query_limits = {
	.pairs = 16, .name_size = 64, .value_size = 1024
};

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool http_form_decode(struct arena *arena, const char *data, size_t size,
		      bool plus, char **text_r, size_t *size_r)
{
	char *text = arena_alloc(arena, size + 1);
	size_t i, used = 0;
	int high, low;

	for (i = 0; i < size; i++) {
		if (data[i] == '+' && plus) {
			text[used++] = ' ';
			continue;
		}
		if (data[i] != '%') {
			text[used++] = data[i];
			continue;
		}
		if (size - i < 3)
			return false;
		high = digit_value(data[i + 1]);
		low = digit_value(data[i + 2]);
		if (high < 0 || low < 0)
			return false;
		text[used++] = (char)(unsigned char)(high << 4 | low);
		i += 2;
	}
	text[used] = '\0';
	*text_r = text;
	*size_r = used;
	return true;
}

/* Forms are sent with CR LF, whatever was typed. */
static size_t unify_line_ends(char *text, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < size; i++) {
		if (text[i] != '\r' || i + 1 == size || text[i + 1] != '\n')
			text[used++] = text[i];
	}
	text[used] = '\0';
	return used;
}

static int parse_pair(struct arena *arena, const char *data, size_t size,
		      const struct http_form_limits *limits,
		      struct http_pair *pair_r)
{
	const char *equals = memchr(data, '=', size);
	const size_t name_size = equals == NULL ? size :
		(size_t)(equals - data);
	const size_t value_size = equals == NULL ? 0 : size - name_size - 1;
	char *name, *value;
	size_t name_len, value_len;

	/* What is too long even if each character takes three. */
	if (name_size > 3 * limits->name_size ||
	    value_size > 3 * limits->value_size)
		return 0;
	if (!http_form_decode(arena, data, name_size, true,
			      &name, &name_len) ||
	    !http_form_decode(arena, equals == NULL ? "" : equals + 1,
			      value_size, true, &value, &value_len))
		return -1;
	value_len = unify_line_ends(value, value_len);
	if (name_len > limits->name_size || value_len > limits->value_size)
		return 0;
	if (name_len == 0 || !text_is_line(name, name_len) ||
	    !text_is_lines(value, value_len))
		return -1;
	pair_r->name = name;
	pair_r->value = value;
	return 1;
}

static bool have_name(const struct http_pairs *pairs, const char *name)
{
	size_t i;

	for (i = 0; i < pairs->count; i++) {
		if (strcmp(pairs->pairs[i].name, name) == 0)
			return true;
	}
	return false;
}

int http_form_parse(struct arena *arena, const char *data, size_t size,
		    const struct http_form_limits *limits,
		    struct http_pairs *pairs_r)
{
	struct http_pairs pairs = { NULL, 0 };
	struct http_pair *pair;
	const char *end;
	size_t len;
	int ret;

	if (size > 0)
		pairs.pairs = arena_new(arena, struct http_pair, limits->pairs);
	while (size > 0) {
		end = memchr(data, '&', size);
		len = end == NULL ? size : (size_t)(end - data);
		if (len > 0) {
			if (pairs.count == limits->pairs)
				return 0;
			pair = &pairs.pairs[pairs.count];
			ret = parse_pair(arena, data, len, limits, pair);
			if (ret <= 0)
				return ret;
			if (have_name(&pairs, pair->name))
				return -1;
			pairs.count++;
		}
		if (end == NULL)
			break;
		data += len + 1;
		size -= len + 1;
	}
	*pairs_r = pairs;
	return 1;
}
