#include "contract-test.h"

#include <stdlib.h>

/* Random and mutated input from a fixed seed: each comes in a buffer just as
   long as itself, so that valgrind and ASan see every byte read beyond it. */

#define INPUTS 20000

static struct seal_private_key priv;
static unsigned char sealed[SEALED_REQUEST_MAX];
static size_t sealed_size;
static unsigned char plain[SEAL_PLAIN_SIZE];

/* splitmix64 */
static uint64_t rng_state = 20250901;

static uint64_t rng(void)
{
	uint64_t z = rng_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t rng_below(size_t max)
{
	return (size_t)(rng() % max);
}

static int setup(void **state)
{
	struct seal_public_key pub;
	const char *error;

	(void)state;
	if (seal_keygen(&priv, &pub, &error) < 0 ||
	    seal_secrets_encode(&test_secrets, plain, &error) < 0)
		return -1;
	return sealed_request_seal(&pub, &test_binding, &test_secrets,
				   sealed, &sealed_size, &error);
}

/* Copies size bytes of base, zeros beyond its end, and changes a few. */
static unsigned char *mutate(const unsigned char *base, size_t base_size,
			     size_t size, size_t changes, size_t changes_begin)
{
	unsigned char *data = calloc(1, size == 0 ? 1 : size);
	size_t i;

	assert_non_null(data);
	memcpy(data, base, size < base_size ? size : base_size);
	for (i = 0; i < changes && size > changes_begin; i++) {
		data[changes_begin + rng_below(size - changes_begin)] =
			(unsigned char)rng();
	}
	return data;
}

static char *mutate_text(const char *base, size_t len, size_t changes)
{
	unsigned char *text = mutate((const unsigned char *)base, strlen(base),
				     len + 1, changes, 0);

	text[len] = '\0';
	return (char *)text;
}

static void open_any(const unsigned char *data, size_t size, bool changed)
{
	unsigned char id[SEAL_KEY_ID_SIZE];
	struct seal_secrets secrets;
	const char *error = NULL;
	int ret;

	ret = sealed_request_key_id(data, size, id, &error);
	assert_true(ret == 0 || (ret == -1 && error != NULL));
	ret = sealed_request_open(&priv, &test_binding, data, size,
				  &secrets, &error);
	assert_int_equal(ret, changed ? -1 : 0);
	if (changed)
		assert_wiped(&secrets, sizeof(secrets));
}

static void test_open(void **state)
{
	unsigned char *data;
	unsigned int i;
	size_t size;

	(void)state;
	for (i = 0; i < INPUTS; i++) {
		size = i % 8 != 0 ? rng_below(SEALED_REQUEST_MAX + 64) :
			sealed_size;
		switch (i % 4) {
		case 0:
			data = mutate(sealed, sealed_size, size,
				      1 + rng_below(4), i % 3 == 0 ?
				      SEAL_HEADER_SIZE - SEAL_ENC_SIZE : 0);
			break;
		case 1:
			data = mutate(sealed, 0, size, size, 0);
			break;
		case 2:
			data = mutate(sealed, SEAL_MAGIC_LEN + 1, size, size,
				      SEAL_MAGIC_LEN + 1);
			break;
		default:
			data = mutate(sealed, sealed_size, size, 0, 0);
			break;
		}
		open_any(data, size, size != sealed_size ||
			 memcmp(data, sealed, size) != 0);
		free(data);
	}
}

/* What decodes is the one encoding of what it decodes to. */
static void test_decode(void **state)
{
	struct seal_secrets secrets;
	unsigned char again[SEAL_PLAIN_SIZE], *data;
	unsigned int i, valid = 0;
	const char *error;

	(void)state;
	for (i = 0; i < INPUTS; i++) {
		data = mutate(plain, SEAL_PLAIN_SIZE, SEAL_PLAIN_SIZE,
			      1 + rng_below(2), 0);
		if (i % 2 == 0) {
			free(data);
			/* fields of random lengths, mostly possible ones */
			data = mutate(plain, 0, SEAL_PLAIN_SIZE,
				      rng_below(3), 0);
			data[0] = 1;
			data[2] = (unsigned char)rng_below(3);
			memset(data + 3, 'o', data[2]);
			data[3 + data[2]] = 2;
			data[3 + data[2] + 3] = (unsigned char)rng_below(4);
		}
		if (seal_secrets_decode(data, &secrets, &error) == 0) {
			valid++;
			assert_int_equal(seal_secrets_encode(&secrets, again,
							     &error), 0);
			assert_memory_equal(data, again, sizeof(again));
		} else {
			assert_wiped(&secrets, sizeof(secrets));
		}
		free(data);
	}
	assert_in_range(valid, 1, INPUTS - 1);
}

static void test_key_text(void **state)
{
	struct seal_private_key key;
	struct seal_public_key pub;
	char good[SEAL_KEY_TEXT_SIZE], again[SEAL_KEY_TEXT_SIZE], *text;
	const char *error;
	unsigned int i, valid = 0;
	size_t len;

	(void)state;
	assert_int_equal(seal_private_key_to_text(&priv, good), 0);
	for (i = 0; i < INPUTS; i++) {
		len = i % 2 == 0 ? strlen(good) : rng_below(2 * sizeof(good));
		text = mutate_text(good, len, rng_below(3));
		(void)seal_public_key_parse(text, &pub, &error);
		if (seal_private_key_parse(text, &key, &error) == 0) {
			valid++;
			assert_int_equal(seal_private_key_to_text(&key, again),
					 0);
			assert_memory_equal(text, again, strlen(again));
		} else {
			assert_wiped(&key, sizeof(key));
		}
		free(text);
	}
	assert_in_range(valid, 1, INPUTS - 1);
}

static void test_names(void **state)
{
	enum request_kind kind;
	enum request_state st;
	unsigned int i;
	const char *base;
	char *name;
	size_t len;

	(void)state;
	for (i = 0; i < INPUTS; i++) {
		base = request_state_name(i % REQUEST_STATE_COUNT);
		len = strlen(base);
		name = mutate_text(base, len, rng_below(2));
		if (request_state_parse(name, &st))
			assert_string_equal(name, request_state_name(st));
		if (request_kind_parse(name, &kind))
			assert_string_equal(name, request_kind_name(kind));
		free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_key_text),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
