#ifndef CONTRACT_TEST_H
#define CONTRACT_TEST_H

/* What the tests of plugin/contract have in common. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined(__has_include)
#  if __has_include(<valgrind/valgrind.h>)
#    include <valgrind/valgrind.h>
#  endif
#endif
#ifndef RUNNING_ON_VALGRIND
#  define RUNNING_ON_VALGRIND 0
#endif

#include "sealed-request-private.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Writes what the hex digits say, returns how much. */
static inline size_t unhex(const char *hex, unsigned char *data_r, size_t max)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t i, size = strlen(hex) / 2;

	assert_true(size <= max);
	for (i = 0; i < size; i++) {
		high = strchr(digits, hex[i * 2]);
		low = strchr(digits, hex[i * 2 + 1]);
		assert_non_null(high);
		assert_non_null(low);
		data_r[i] = (unsigned char)((high - digits) << 4 |
					    (low - digits));
	}
	return size;
}

static inline void assert_wiped(const void *data, size_t size)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < size; i++)
		assert_int_equal(p[i], 0);
}

static inline void assert_same_secrets(const struct seal_secrets *a,
				       const struct seal_secrets *b)
{
	assert_string_equal(a->old_password, b->old_password);
	assert_string_equal(a->new_password, b->new_password);
	assert_string_equal(a->new_hash, b->new_hash);
}

/* Opens, and says how it went wrong: NULL if it opened. */
static inline const char *
open_error(const struct seal_private_key *priv,
	   const struct seal_binding *binding,
	   const unsigned char *data, size_t size)
{
	struct seal_secrets secrets;
	const char *error = NULL;

	memset(&secrets, 0xaa, sizeof(secrets));
	if (sealed_request_open(priv, binding, data, size,
				&secrets, &error) == 0) {
		assert_null(error);
		return NULL;
	}
	assert_wiped(&secrets, sizeof(secrets));
	assert_non_null(error);
	return error;
}

static const struct seal_binding test_binding = {
	.kind = REQUEST_KIND_PASSWORD,
	.address = "user@example.com",
	.request_id = "00112233445566778899aabbccddeeff",
	.created = 1760000000,
};

static const struct seal_secrets test_secrets = {
	.old_password = "old Passw\xc3\xb6rd",
	.new_password = "new password, longer than the old one",
	.new_hash = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA",
};

#endif
