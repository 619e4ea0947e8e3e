/* The parser of Accept-Language headers. Whatever comes, it answers with a
   language of ours or none. */

#include "fuzz.h"

#include "language.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as large, so that a byte read beyond it is seen. */
	char *header = malloc(size + 1);
	const struct language *language;

	if (header == NULL)
		return 0;
	if (size > 0)
		memcpy(header, data, size);
	header[size] = '\0';
	language = language_from_accept(header);
	assert(language == NULL || language_find(language->code) == language);
	free(header);
	return 0;
}
