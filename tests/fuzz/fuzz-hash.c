#include "fuzz.h"

#include "argon2-text.h"
#include "mailbox-hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Costs are refused by their number only when they are absurd: what is left is
   too slow to be tried by the thousand. */
static bool is_cheap(const char *hash)
{
	unsigned int digits = 0;
	const char *p;

	for (p = hash; *p != '\0'; p++) {
		digits = *p >= '0' && *p <= '9' ? digits + 1 : 0;
		if (digits > 3 && strstr(hash, "PBKDF2") != NULL)
			return false;
		if (digits > 4)
			return false;
	}
	return strstr(hash, "$2") == NULL && strstr(hash, "$y$") == NULL &&
		strstr(hash, "$7$") == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *hash = malloc(size + 1);
	struct argon2_text text;

	if (hash == NULL)
		abort();
	memcpy(hash, data, size);
	hash[size] = '\0';
	if (argon2_text_parse(hash, &text) &&
	    (text.memory > ARGON2_MEMORY_MAX || text.time > ARGON2_TIME_MAX ||
	     text.lanes > ARGON2_LANES_MAX))
		abort();
	if (is_cheap(hash))
		(void)mailbox_hash_verify(hash, "password");
	free(hash);
	return 0;
}
