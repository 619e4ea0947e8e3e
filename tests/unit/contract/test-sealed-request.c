#include "contract-test.h"

#include <stdlib.h>

#include <openssl/err.h>

#define NOT_SEALED "not a sealed request"
#define NEWER "sealed by a newer version of pymailadmin"
#define OTHER_KEY "sealed to another key"
#define DOES_NOT_OPEN "does not open: damaged, or sealed for another request"

static struct seal_private_key priv;
static struct seal_public_key pub;

/* test_secrets, sealed with test_binding. */
static unsigned char sealed[SEALED_REQUEST_MAX];
static size_t sealed_size;

static int setup(void **state)
{
	const char *error;

	(void)state;
	if (seal_keygen(&priv, &pub, &error) < 0)
		return -1;
	return sealed_request_seal(&pub, &test_binding, &test_secrets,
				   sealed, &sealed_size, &error);
}

static void fill(char *value, size_t len, char c)
{
	memset(value, c, len);
	value[len] = '\0';
}

static void test_round_trip(void **state)
{
	static const size_t lengths[] = {
		0, 1, 2, 255, 256, 257, SEAL_PASSWORD_MAX - 1,
		SEAL_PASSWORD_MAX
	};
	struct seal_secrets in, out;
	unsigned char data[SEALED_REQUEST_MAX];
	const char *error;
	unsigned int i;
	size_t size;

	(void)state;
	for (i = 0; i < N_ELEMENTS(lengths) * 3; i++) {
		memset(&in, 0, sizeof(in));
		fill(in.old_password, lengths[i % 8], '\xff');
		fill(in.new_password, lengths[(i + i / 8) % 8], 'n');
		fill(in.new_hash, lengths[(i + i / 4) % 8], '\x01');
		assert_int_equal(sealed_request_seal(&pub, &test_binding, &in,
						     data, &size, &error), 0);
		assert_int_equal(size, SEAL_SIZE);
		memset(&out, 0xaa, sizeof(out));
		assert_int_equal(sealed_request_open(&priv, &test_binding,
			data, size, &out, &error), 0);
		assert_memory_equal(&in, &out, sizeof(in));
	}
	seal_secrets_wipe(&out);
	assert_wiped(&out, sizeof(out));
}

static void test_binding_extremes(void **state)
{
	char address[SEAL_ADDRESS_MAX + 1];
	struct seal_binding binding = test_binding;
	struct seal_secrets out;
	unsigned char data[SEALED_REQUEST_MAX];
	const char *error;
	unsigned int i;
	size_t size;

	(void)state;
	for (i = 0; i < 4; i++) {
		fill(address, (i & 1) != 0 ? 1 : SEAL_ADDRESS_MAX, '\xc3');
		binding.address = address;
		binding.created = (i & 2) != 0 ? 0 : UINT64_MAX;
		binding.kind = (enum request_kind)(i % REQUEST_KIND_COUNT);
		assert_int_equal(sealed_request_seal(&pub, &binding,
			&test_secrets, data, &size, &error), 0);
		assert_int_equal(size, SEAL_SIZE);
		assert_int_equal(sealed_request_open(&priv, &binding, data,
						     size, &out, &error), 0);
		assert_same_secrets(&out, &test_secrets);
	}
}

static void test_seals_differ(void **state)
{
	unsigned char data[SEALED_REQUEST_MAX];
	const char *error;
	size_t size;

	(void)state;
	assert_int_equal(sealed_request_seal(&pub, &test_binding,
		&test_secrets, data, &size, &error), 0);
	assert_int_equal(size, sealed_size);
	assert_memory_equal(data, sealed, SEAL_HEADER_SIZE - SEAL_ENC_SIZE);
	assert_memory_not_equal(data + SEAL_HEADER_SIZE - SEAL_ENC_SIZE,
		sealed + SEAL_HEADER_SIZE - SEAL_ENC_SIZE, SEAL_ENC_SIZE);
	assert_memory_not_equal(data + SEAL_HEADER_SIZE,
				sealed + SEAL_HEADER_SIZE, 64);
}

static void test_other_binding(void **state)
{
	static const char *const addresses[] = {
		"user@example.con", "user@example.co", "user@example.comm",
		"User@example.com", "user@example.com ", "ser@example.com",
		"password", "u",
	};
	struct seal_binding b = test_binding;
	char id[SEAL_REQUEST_ID_LEN + 1];
	unsigned int i;

	(void)state;
	assert_null(open_error(&priv, &b, sealed, sealed_size));
	b.kind = REQUEST_KIND_CREATE;
	assert_string_equal(open_error(&priv, &b, sealed, sealed_size),
			    DOES_NOT_OPEN);
	b = test_binding;
	for (i = 0; i < N_ELEMENTS(addresses); i++) {
		b.address = addresses[i];
		assert_string_equal(open_error(&priv, &b, sealed, sealed_size),
				    DOES_NOT_OPEN);
	}
	b = test_binding;
	b.request_id = id;
	for (i = 0; i < SEAL_REQUEST_ID_LEN; i++) {
		memcpy(id, test_binding.request_id, sizeof(id));
		id[i] = id[i] == '7' ? '8' : '7';
		assert_string_equal(open_error(&priv, &b, sealed, sealed_size),
				    DOES_NOT_OPEN);
	}
	b = test_binding;
	for (i = 0; i < 64; i++) {
		b.created = test_binding.created ^ UINT64_C(1) << i;
		assert_string_equal(open_error(&priv, &b, sealed, sealed_size),
				    DOES_NOT_OPEN);
	}
}

static const char *flip_error(size_t bit)
{
	size_t offset = bit / 8;

	if (offset < SEAL_MAGIC_LEN)
		return NOT_SEALED;
	/* Version 1 with a bit flipped is 0 or newer. */
	if (offset == SEAL_MAGIC_LEN)
		return bit % 8 == 0 ? NOT_SEALED : NEWER;
	if (offset < SEAL_MAGIC_LEN + 1 + SEAL_KEY_ID_SIZE)
		return OTHER_KEY;
	return DOES_NOT_OPEN;
}

/* Under valgrind, which is a hundred times slower, every bit of the header
   and a bit of every byte. */
static void test_bit_flips(void **state)
{
	unsigned char data[SEALED_REQUEST_MAX];
	const char *error, *expected;
	size_t bit;

	(void)state;
	memcpy(data, sealed, sealed_size);
	for (bit = 0; bit < sealed_size * 8; bit++) {
		if (RUNNING_ON_VALGRIND && bit / 8 >= SEAL_HEADER_SIZE &&
		    bit % 8 != bit / 8 % 8)
			continue;
		data[bit / 8] ^= (unsigned char)(1U << bit % 8);
		error = open_error(&priv, &test_binding, data, sealed_size);
		expected = flip_error(bit);
		if (error == NULL || strcmp(error, expected) != 0)
			fail_msg("bit %zu flipped: %s", bit,
				 error == NULL ? "it opened" : error);
		data[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	assert_null(open_error(&priv, &test_binding, data, sealed_size));
}

/* From a buffer as long as the data, so that reading past it is seen. */
static void test_other_sizes(void **state)
{
	const char *error, *expected;
	unsigned char *data;
	size_t size;

	(void)state;
	for (size = 0; size <= SEALED_REQUEST_MAX + 1; size++) {
		if (size == sealed_size)
			continue;
		data = calloc(1, size == 0 ? 1 : size);
		assert_non_null(data);
		memcpy(data, sealed, size < sealed_size ? size : sealed_size);
		error = open_error(&priv, &test_binding, data, size);
		expected = size <= SEAL_MAGIC_LEN ||
			size > SEALED_REQUEST_MAX ? NOT_SEALED : DOES_NOT_OPEN;
		assert_non_null(error);
		assert_string_equal(error, expected);
		free(data);
	}
}

static void test_not_sealed(void **state)
{
	unsigned char data[SEALED_REQUEST_MAX], *big;
	unsigned char id[SEAL_KEY_ID_SIZE];
	const size_t big_size = 1024 * 1024;
	const char *error;

	(void)state;
	assert_string_equal(open_error(&priv, &test_binding, NULL, 0),
			    NOT_SEALED);
	assert_int_equal(sealed_request_key_id(NULL, 0, id, &error), -1);
	assert_string_equal(error, NOT_SEALED);

	big = calloc(1, big_size);
	assert_non_null(big);
	memcpy(big, sealed, sealed_size);
	assert_string_equal(open_error(&priv, &test_binding, big, big_size),
			    NOT_SEALED);
	assert_int_equal(sealed_request_key_id(big, big_size, id, &error), -1);
	free(big);

	memcpy(data, sealed, sealed_size);
	data[SEAL_MAGIC_LEN] = 0;
	assert_string_equal(open_error(&priv, &test_binding, data,
				       sealed_size), NOT_SEALED);
	data[SEAL_MAGIC_LEN] = SEAL_VERSION + 1;
	assert_string_equal(open_error(&priv, &test_binding, data,
				       sealed_size), NEWER);
	/* a newer version may have any length */
	assert_string_equal(open_error(&priv, &test_binding, data, 100),
			    NEWER);
}

static void test_other_key(void **state)
{
	struct seal_private_key priv2;
	struct seal_public_key pub2;
	unsigned char data[SEALED_REQUEST_MAX], id[SEAL_KEY_ID_SIZE];
	unsigned char expected[SEAL_KEY_ID_SIZE];
	const char *error;

	(void)state;
	assert_int_equal(seal_keygen(&priv2, &pub2, &error), 0);
	assert_string_equal(open_error(&priv2, &test_binding, sealed,
				       sealed_size), OTHER_KEY);

	seal_public_key_id(&pub, expected);
	assert_int_equal(sealed_request_key_id(sealed, sealed_size, id,
					       &error), 0);
	assert_memory_equal(id, expected, sizeof(id));

	/* a row whose key id was changed to ours */
	memcpy(data, sealed, sealed_size);
	seal_public_key_id(&pub2, data + SEAL_MAGIC_LEN + 1);
	assert_string_equal(open_error(&priv2, &test_binding, data,
				       sealed_size), DOES_NOT_OPEN);

	memset(id, 0xaa, sizeof(id));
	assert_int_equal(sealed_request_key_id(sealed, sealed_size - 1, id,
					       &error), -1);
	assert_string_equal(error, DOES_NOT_OPEN);
	assert_wiped(id, sizeof(id));
}

static const char *seal_error(const struct seal_public_key *key,
			      const struct seal_binding *binding,
			      const struct seal_secrets *secrets)
{
	unsigned char data[SEALED_REQUEST_MAX];
	const char *error;
	size_t size = 1;

	memset(data, 0xaa, sizeof(data));
	assert_int_equal(sealed_request_seal(key, binding, secrets, data,
					     &size, &error), -1);
	assert_int_equal(size, 0);
	assert_wiped(data, sizeof(data));
	return error;
}

static void assert_bad_binding(const struct seal_binding *binding,
			       const char *expected)
{
	assert_string_equal(seal_error(&pub, binding, &test_secrets),
			    expected);
	assert_string_equal(open_error(&priv, binding, sealed, sealed_size),
			    expected);
}

static void test_bad_binding(void **state)
{
	static const char *const bad_ids[] = {
		NULL, "", "00112233445566778899aabbccddeef",
		"00112233445566778899aabbccddeeff0",
		"00112233445566778899aabbccddeeffz",
		"00112233445566778899AABBCCDDEEFF",
		"00112233445566778899aabbccddeef ",
		"g0112233445566778899aabbccddeeff",
		"00112233-4455-6677-8899-aabbccdd",
	};
	struct seal_binding b = test_binding;
	char address[SEAL_ADDRESS_MAX + 2];
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(bad_ids); i++) {
		b.request_id = bad_ids[i];
		assert_bad_binding(&b, "the request id is not 32 lower case "
				   "hex digits");
	}
	b = test_binding;
	b.address = NULL;
	assert_bad_binding(&b, "the address is missing");
	b.address = "";
	assert_bad_binding(&b, "the address is missing");
	fill(address, SEAL_ADDRESS_MAX + 1, 'a');
	b.address = address;
	assert_bad_binding(&b, "the address is too long");
	b = test_binding;
	b.kind = REQUEST_KIND_COUNT;
	assert_bad_binding(&b, "the kind of request is unknown");
}

static void test_bad_secrets(void **state)
{
	struct seal_secrets in = test_secrets;

	(void)state;
	memset(in.old_password, 'x', sizeof(in.old_password));
	assert_string_equal(seal_error(&pub, &test_binding, &in),
			    "the old password is too long");
	in = test_secrets;
	memset(in.new_password, 'x', sizeof(in.new_password));
	assert_string_equal(seal_error(&pub, &test_binding, &in),
			    "the new password is too long");
	in = test_secrets;
	memset(in.new_hash, 'x', sizeof(in.new_hash));
	assert_string_equal(seal_error(&pub, &test_binding, &in),
			    "the new hash is too long");
}

/* Points of low order give a secret everybody knows. */
static void test_weak_public_key(void **state)
{
	struct seal_public_key weak;

	(void)state;
	memset(&weak, 0, sizeof(weak));
	assert_string_equal(seal_error(&weak, &test_binding, &test_secrets),
			    "libcrypto did not seal to this public key");
	weak.bytes[0] = 1;
	assert_string_equal(seal_error(&weak, &test_binding, &test_secrets),
			    "libcrypto did not seal to this public key");
}

/* Dovecot's own use of OpenSSL must not trip over an error of ours, nor lose
   one of its own. */
static void test_error_queue(void **state)
{
	struct seal_public_key weak;
	unsigned char data[SEALED_REQUEST_MAX];

	(void)state;
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, 4711);
	memset(&weak, 0, sizeof(weak));
	(void)seal_error(&weak, &test_binding, &test_secrets);
	memcpy(data, sealed, sealed_size);
	data[sealed_size - 1] ^= 1;
	assert_string_equal(open_error(&priv, &test_binding, data,
				       sealed_size), DOES_NOT_OPEN);
	assert_null(open_error(&priv, &test_binding, sealed, sealed_size));
	assert_int_equal(ERR_GET_REASON(ERR_get_error()), 4711);
	assert_int_equal(ERR_get_error(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_binding_extremes),
		cmocka_unit_test(test_seals_differ),
		cmocka_unit_test(test_other_binding),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_other_sizes),
		cmocka_unit_test(test_not_sealed),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_bad_binding),
		cmocka_unit_test(test_bad_secrets),
		cmocka_unit_test(test_weak_public_key),
		cmocka_unit_test(test_error_queue),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
