#include "fuzz.h"

#include "arena.h"
#include "http-form.h"
#include "http-request.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_form_limits *limits = &http_form_body_limits;
	struct arena *arena = arena_create();
	struct http_pairs pairs;
	size_t i;

	if (http_form_parse(arena, (const char *)data, size, limits,
			    &pairs) > 0) {
		if (pairs.count > limits->pairs)
			abort();
		for (i = 0; i < pairs.count; i++) {
			const char *name = pairs.pairs[i].name;
			const char *value = pairs.pairs[i].value;

			if (strlen(name) > limits->name_size ||
			    strlen(value) > limits->value_size ||
			    !text_is_line(name, strlen(name)) ||
			    !text_is_lines(value, strlen(value)))
				abort();
		}
	}
	arena_free(&arena);
	return 0;
}
