#include "contract-test.h"

#include <stdio.h>

#include <openssl/sha.h>

#define HEX64 "000102030405060708090a0b0c0d0e0f" \
	"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define PRIVATE "pymailadmin-seal-private:"
#define PUBLIC "pymailadmin-seal-public:"

static void test_keygen(void **state)
{
	struct seal_private_key priv, priv2;
	struct seal_public_key pub, pub2, derived;
	const char *error;

	(void)state;
	assert_int_equal(seal_keygen(&priv, &pub, &error), 0);
	assert_int_equal(seal_keygen(&priv2, &pub2, &error), 0);
	assert_memory_not_equal(&priv, &priv2, sizeof(priv));
	assert_memory_not_equal(&pub, &pub2, sizeof(pub));
	assert_int_equal(seal_private_to_public(&priv, &derived, &error), 0);
	assert_memory_equal(&pub, &derived, sizeof(pub));

	seal_private_key_wipe(&priv);
	assert_wiped(&priv, sizeof(priv));
}

static void test_key_id(void **state)
{
	struct seal_public_key pub;
	unsigned char digest[SHA256_DIGEST_LENGTH], id[SEAL_KEY_ID_SIZE];

	(void)state;
	unhex(HEX64, pub.bytes, sizeof(pub.bytes));
	assert_non_null(SHA256(pub.bytes, sizeof(pub.bytes), digest));
	seal_public_key_id(&pub, id);
	assert_memory_equal(id, digest, sizeof(id));
}

static void test_text(void **state)
{
	struct seal_private_key priv, priv2;
	struct seal_public_key pub, pub2;
	char text[SEAL_KEY_TEXT_SIZE];
	const char *error;

	(void)state;
	unhex(HEX64, priv.bytes, sizeof(priv.bytes));
	memcpy(pub.bytes, priv.bytes, sizeof(pub.bytes));

	assert_int_equal(seal_private_key_to_text(&priv, text), 0);
	assert_string_equal(text, PRIVATE "1:" HEX64);
	assert_int_equal(seal_private_key_parse(text, &priv2, &error), 0);
	assert_memory_equal(&priv, &priv2, sizeof(priv));

	assert_int_equal(seal_public_key_to_text(&pub, text), 0);
	assert_string_equal(text, PUBLIC "1:" HEX64);
	assert_int_equal(seal_public_key_parse(text, &pub2, &error), 0);
	assert_memory_equal(&pub, &pub2, sizeof(pub));

	assert_int_equal(seal_private_key_parse(PRIVATE "1:" HEX64 "\n",
						&priv2, &error), 0);
	assert_memory_equal(&priv, &priv2, sizeof(priv));
	assert_int_equal(seal_public_key_parse(PUBLIC "1:" HEX64 "\n",
					       &pub2, &error), 0);
	assert_memory_equal(&pub, &pub2, sizeof(pub));
}

#define NOT_LONG "the key is not 64 hex digits long"
#define NOT_HEX "the key has a character that is no lower case hex digit"
#define NOT_VERSION "the key's version is unknown to this program"
#define UPPER64 "000102030405060708090A0B0C0D0E0F" \
	"F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"
#define ODD32 "0001020304050607" "08090a0b0c0d0e0"
#define LAST32 "f0f1f2f3f4f5f6f7" "f8f9fafbfcfdfeff"

/* What follows the label, and the error it gives. */
static const struct {
	const char *rest, *error;
} bad_rests[] = {
	{ "", NOT_VERSION },
	{ "1", NOT_VERSION },
	{ HEX64, NOT_VERSION },
	{ "0:" HEX64, NOT_VERSION },
	{ "2:" HEX64, NOT_VERSION },
	{ "11:" HEX64, NOT_VERSION },
	{ " 1:" HEX64, NOT_VERSION },
	{ "1:", NOT_LONG },
	{ "1:\n", NOT_LONG },
	{ "1:00", NOT_LONG },
	{ "1:" ODD32 LAST32, NOT_LONG },
	{ "1:" HEX64 "0", NOT_LONG },
	{ "1:" HEX64 "00", NOT_LONG },
	{ "1:" HEX64 " ", NOT_LONG },
	{ "1:" HEX64 "\r\n", NOT_LONG },
	{ "1:" HEX64 "\n\n", NOT_LONG },
	{ "1:" HEX64 "\n" PRIVATE, NOT_LONG },
	{ "1:" HEX64 HEX64 HEX64, NOT_LONG },
	{ "1: " HEX64, NOT_LONG },
	{ "1:" UPPER64, NOT_HEX },
	{ "1:" ODD32 "g" LAST32, NOT_HEX },
	{ "1:" ODD32 "\xff" LAST32, NOT_HEX },
	{ "1:" ODD32 "\n" LAST32, NOT_HEX },
	{ "1:" ODD32 LAST32 "\n", NOT_HEX },
	{ "1:" ODD32 "/" LAST32, NOT_HEX },
	{ "1:" ODD32 ":" LAST32, NOT_HEX },
	{ "1:" ODD32 "`" LAST32, NOT_HEX },
};

static void assert_not_private(const char *text, const char *expected)
{
	struct seal_private_key priv;
	const char *error;

	memset(&priv, 0xaa, sizeof(priv));
	assert_int_equal(seal_private_key_parse(text, &priv, &error), -1);
	assert_string_equal(error, expected);
	assert_wiped(&priv, sizeof(priv));
}

static void assert_not_public(const char *text, const char *expected)
{
	struct seal_public_key pub;
	const char *error;

	memset(&pub, 0xaa, sizeof(pub));
	assert_int_equal(seal_public_key_parse(text, &pub, &error), -1);
	assert_string_equal(error, expected);
	assert_wiped(&pub, sizeof(pub));
}

static void test_bad_text(void **state)
{
	char text[512];
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(bad_rests); i++) {
		snprintf(text, sizeof(text), PRIVATE "%s", bad_rests[i].rest);
		assert_not_private(text, bad_rests[i].error);
		snprintf(text, sizeof(text), PUBLIC "%s", bad_rests[i].rest);
		assert_not_public(text, bad_rests[i].error);
	}
}

static void test_other_text(void **state)
{
	static const char *const texts[] = {
		"", "\n", HEX64, "1:" HEX64, " " PRIVATE "1:" HEX64,
		" " PUBLIC "1:" HEX64, "pymailadmin-seal-", "private:1:" HEX64,
		"PYMAILADMIN-SEAL-PRIVATE:1:" HEX64,
		"-----BEGIN PRIVATE KEY-----\n",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(texts); i++) {
		assert_not_private(texts[i],
				   "not a private key of pymailadmin");
		assert_not_public(texts[i], "not a public key of pymailadmin");
	}
	assert_not_private(PUBLIC "1:" HEX64,
		"this is a public key, the private one belongs here");
	assert_not_public(PRIVATE "1:" HEX64,
		"this is a private key, the public one belongs here");
}

/* No part of a key's text is a key. */
static void test_truncated_text(void **state)
{
	static const char full[] = PRIVATE "1:" HEX64;
	struct seal_private_key priv;
	char text[sizeof(full)];
	const char *error;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(full) - 1; len++) {
		memcpy(text, full, len);
		text[len] = '\0';
		assert_int_equal(seal_private_key_parse(text, &priv, &error),
				 -1);
		assert_wiped(&priv, sizeof(priv));
	}
}

static void test_request_id(void **state)
{
	char id[SEAL_REQUEST_ID_LEN + 1], last[SEAL_REQUEST_ID_LEN + 1] = "";
	const char *error;
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_int_equal(seal_request_id_generate(id, &error), 0);
		assert_int_equal(strlen(id), SEAL_REQUEST_ID_LEN);
		assert_int_equal(strspn(id, "0123456789abcdef"),
				 SEAL_REQUEST_ID_LEN);
		assert_string_not_equal(id, last);
		memcpy(last, id, sizeof(last));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keygen),
		cmocka_unit_test(test_key_id),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_other_text),
		cmocka_unit_test(test_truncated_text),
		cmocka_unit_test(test_request_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
