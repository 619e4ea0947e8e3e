#include "web-test.h"

#include "backup-code.h"
#include "csrf.h"
#include "totp.h"
#include "token.h"

#include <stdio.h>

/* RFC 6238, appendix B, SHA-1: the last six digits. */
static const struct {
	uint64_t time;
	const char *code;
} vectors[] = {
	{ 59, "287082" },
	{ 1111111109, "081804" },
	{ 1111111111, "050471" },
	{ 1234567890, "005924" },
	{ 2000000000, "279037" },
	{ 20000000000, "353130" },
};

static const struct totp_secret rfc_secret = { "12345678901234567890" };
static const struct secret_key key = { { 1, 2, 3 } }, other_key = { { 3 } };

static void test_rfc_codes(void **state)
{
	uint64_t step;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(vectors); i++) {
		assert_true(totp_verify(&rfc_secret, vectors[i].code,
					vectors[i].time, 0, &step));
		assert_true(step == vectors[i].time / 30);
	}
}

static void test_a_code_counts_one_step_around(void **state)
{
	const uint64_t now = vectors[3].time;
	uint64_t step;

	(void)state;
	assert_true(totp_verify(&rfc_secret, "005924", now - 30, 0, &step));
	assert_true(totp_verify(&rfc_secret, "005924", now + 30, 0, &step));
	assert_true(step == now / 30);
	assert_false(totp_verify(&rfc_secret, "005924", now - 90, 0, &step));
	assert_false(totp_verify(&rfc_secret, "005924", now + 90, 0, &step));
	assert_false(totp_verify(&rfc_secret, "005925", now, 0, &step));
	assert_false(totp_verify(&rfc_secret, "", now, 0, &step));
}

static void test_no_code_counts_twice(void **state)
{
	const uint64_t now = vectors[3].time;
	uint64_t step = 0;

	(void)state;
	assert_true(totp_verify(&rfc_secret, "005924", now, now / 30 - 1,
				&step));
	assert_false(totp_verify(&rfc_secret, "005924", now, step, &step));
	assert_false(totp_verify(&rfc_secret, "005924", now, step + 1, &step));
}

static void test_codes_as_people_type_them(void **state)
{
	static const char *const bad[] = {
		"", "12345", "1234567", "12345a", "12-345", "\xd9\xa1\x32\x33\x34\x35\x36",
		"123456\n",
	};
	char code[TOTP_DIGITS + 1];
	unsigned int i;

	(void)state;
	assert_true(totp_code_parse(" 123 456 ", code));
	assert_string_equal(code, "123456");
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(totp_code_parse(bad[i], code));
}

static void test_secrets_as_text(void **state)
{
	char text[TOTP_SECRET_TEXT_SIZE];
	struct arena *arena = arena_create();

	(void)state;
	totp_secret_to_text(&rfc_secret, text);
	assert_string_equal(text, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
	assert_string_equal(totp_uri(arena, &rfc_secret, "Mail & more",
				     "alice+x@example.test"),
		"otpauth://totp/Mail%20%26%20more:alice%2Bx%40example.test"
		"?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
		"&issuer=Mail%20%26%20more&algorithm=SHA1&digits=6&period=30");
	arena_free(&arena);
}

static void test_sealed_secrets(void **state)
{
	unsigned char sealed[TOTP_SEALED_SIZE], again[TOTP_SEALED_SIZE];
	struct totp_secret secret, opened;
	unsigned int i;

	(void)state;
	totp_secret_generate(&secret);
	assert_true(totp_secret_seal(&key, 7, &secret, sealed));
	assert_true(totp_secret_seal(&key, 7, &secret, again));
	assert_memory_not_equal(sealed, again, sizeof(sealed));
	assert_true(totp_secret_open(&key, 7, sealed, sizeof(sealed), &opened));
	assert_memory_equal(&opened, &secret, sizeof(secret));
	assert_false(totp_secret_open(&key, 8, sealed, sizeof(sealed),
				      &opened));
	assert_false(totp_secret_open(&other_key, 7, sealed, sizeof(sealed),
				      &opened));
	assert_false(totp_secret_open(&key, 7, sealed, sizeof(sealed) - 1,
				      &opened));
	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_false(totp_secret_open(&key, 7, sealed, sizeof(sealed),
					      &opened));
		sealed[i] ^= 1;
	}
}

static void test_backup_codes(void **state)
{
	static const char *const bad[] = {
		"", "2345-6789-abc", "2345-6789-abcdd", "2345-6789-abc0",
		"2345-6789-abcl", "2345-6789-ab\xc3\xa9",
	};
	unsigned char one[BACKUP_CODE_HASH_SIZE], two[BACKUP_CODE_HASH_SIZE];
	char code[BACKUP_CODE_SIZE], parsed[BACKUP_CODE_SIZE];
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		backup_code_generate(code);
		assert_int_equal(strlen(code), BACKUP_CODE_SIZE - 1);
		assert_true(backup_code_parse(code, parsed));
		assert_string_equal(code, parsed);
	}
	assert_true(backup_code_parse(" K7WM 3pxd-9QHR", parsed));
	assert_string_equal(parsed, "k7wm-3pxd-9qhr");
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(backup_code_parse(bad[i], parsed));
	backup_code_hash(&key, 7, code, one);
	backup_code_hash(&key, 8, code, two);
	assert_memory_not_equal(one, two, sizeof(one));
	backup_code_hash(&other_key, 7, code, two);
	assert_memory_not_equal(one, two, sizeof(one));
	backup_code_hash(&key, 7, code, two);
	assert_memory_equal(one, two, sizeof(one));
}

static void test_tokens(void **state)
{
	unsigned char one[TOKEN_HASH_SIZE], two[TOKEN_HASH_SIZE];
	char token[TOKEN_SIZE], other[TOKEN_SIZE];

	(void)state;
	token_generate(token);
	token_generate(other);
	assert_int_equal(strlen(token), TOKEN_LEN);
	assert_string_not_equal(token, other);
	assert_true(token_hash(token, one));
	assert_true(token_hash(other, two));
	assert_memory_not_equal(one, two, sizeof(one));
	assert_false(token_hash(NULL, one));
	assert_false(token_hash("", one));
	assert_false(token_hash(token + 1, one));
	token[5] = 'G';
	assert_false(token_hash(token, one));
}

static void test_form_tokens(void **state)
{
	unsigned char one[CSRF_KEY_SIZE], two[CSRF_KEY_SIZE];
	char token[CSRF_TOKEN_SIZE], again[CSRF_TOKEN_SIZE];
	unsigned int i;

	(void)state;
	csrf_key_generate(one);
	csrf_key_generate(two);
	csrf_token_make(one, "/alias/add", token);
	csrf_token_make(one, "/alias/add", again);
	assert_string_not_equal(token, again);
	assert_true(csrf_token_check(one, "/alias/add", token));
	assert_true(csrf_token_check(one, "/alias/add", again));
	assert_false(csrf_token_check(two, "/alias/add", token));
	assert_false(csrf_token_check(one, "/alias/delete", token));
	assert_false(csrf_token_check(one, "/alias/add", NULL));
	assert_false(csrf_token_check(one, "/alias/add", ""));
	assert_false(csrf_token_check(one, "/alias/add", token + 1));
	assert_false(csrf_token_check(one, "/alias/add", "t\xc3\xa9st"));
	for (i = 0; i < CSRF_TOKEN_SIZE - 1; i++) {
		const char kept = token[i];

		token[i] = kept == '0' ? '1' : '0';
		assert_false(csrf_token_check(one, "/alias/add", token));
		token[i] = '\xe9';
		assert_false(csrf_token_check(one, "/alias/add", token));
		token[i] = kept;
	}
	assert_true(csrf_token_check(one, "/alias/add", token));
}

static void test_secret_keys(void **state)
{
	static const char hex[] = "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f";
	unsigned char one[SECRET_KEY_SIZE], two[SECRET_KEY_SIZE];
	struct secret_key parsed;
	const char *error;
	char text[80];

	(void)state;
	assert_int_equal(secret_key_parse(hex, &parsed, &error), 0);
	assert_int_equal(parsed.bytes[31], 31);
	(void)snprintf(text, sizeof(text), "%s\n", hex);
	assert_int_equal(secret_key_parse(text, &parsed, &error), 0);
	(void)snprintf(text, sizeof(text), "%s\n\n", hex);
	assert_int_equal(secret_key_parse(text, &parsed, &error), -1);
	assert_int_equal(secret_key_parse("", &parsed, &error), -1);
	assert_int_equal(secret_key_parse(hex + 2, &parsed, &error), -1);
	assert_int_equal(secret_key_read("/nonexistent", &parsed, &error), -1);
	assert_string_equal(error, "it does not exist");
	secret_key_hmac(&parsed, "one", "x", 1, one);
	secret_key_hmac(&parsed, "two", "x", 1, two);
	assert_memory_not_equal(one, two, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_codes),
		cmocka_unit_test(test_a_code_counts_one_step_around),
		cmocka_unit_test(test_no_code_counts_twice),
		cmocka_unit_test(test_codes_as_people_type_them),
		cmocka_unit_test(test_secrets_as_text),
		cmocka_unit_test(test_sealed_secrets),
		cmocka_unit_test(test_backup_codes),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_form_tokens),
		cmocka_unit_test(test_secret_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
