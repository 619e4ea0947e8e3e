#include "web-test.h"

#include "argon2-text.h"
#include "mailbox-hash.h"
#include "password-rules.h"
#include "portal-password.h"

#include <stdio.h>

static const struct password_rules rules = {
	.min_chars = 12, .max_bytes = 512, .min_score = 3,
};
/* As little as the schemes take, for tests only. */
static const struct mailbox_hash_cost cheap = {
	.argon2_memory = 64, .argon2_time = 1, .argon2_parallelism = 1,
	.bcrypt_cost = 4, .sha_rounds = 1000, .pbkdf2_rounds = 10,
};

static enum password_fault check(const char *password)
{
	return password_rules_check(&rules, password, "alice@example.test",
				    "Our Mail", NULL);
}

static void test_forms_of_passwords(void **state)
{
	const struct password_rules bcrypt = {
		.min_chars = 12, .max_bytes = 72, .min_score = 0,
	};
	char text[PASSWORD_CHARS_MAX * 4 + 8] = "";
	unsigned int i, chars;

	(void)state;
	assert_int_equal(check("hJ7#kq2!Wm9x"), PASSWORD_OK);
	assert_int_equal(check(""), PASSWORD_TOO_SHORT);
	assert_int_equal(check("hJ7#kq2!Wm9"), PASSWORD_TOO_SHORT);
	assert_int_equal(check("hJ7#kq2!Wm9\n"), PASSWORD_CONTROL_CHARACTER);
	assert_int_equal(check("hJ7#kq2!Wm9\xc2\x85"),
			 PASSWORD_CONTROL_CHARACTER);
	assert_int_equal(check("hJ7#kq2!Wm9x\xff"), PASSWORD_NOT_UTF8);
	assert_int_equal(check("hJ7#kq2!Wm9x\xc0\x80"), PASSWORD_NOT_UTF8);
	assert_int_equal(check("hJ7#kq2!Wm9x\xed\xa0\x80"), PASSWORD_NOT_UTF8);
	assert_int_equal(check("hJ7#kq2!Wm9x\xe2\x82"), PASSWORD_NOT_UTF8);
	/* characters count, not bytes: 128 of four */
	for (i = 0; i < PASSWORD_CHARS_MAX; i++)
		(void)snprintf(text + 4 * i, 5, "\xf0\x9f\x98\x80");
	assert_true(password_rules_count_chars(text, &chars));
	assert_int_equal(chars, PASSWORD_CHARS_MAX);
	assert_int_not_equal(check(text), PASSWORD_TOO_LONG);
	text[4 * i] = 'x';
	text[4 * i + 1] = '\0';
	assert_int_equal(check(text), PASSWORD_TOO_LONG);
	/* bcrypt does not see what comes after */
	text[72] = '\0';
	assert_int_equal(password_rules_check(&bcrypt, text, NULL, NULL, NULL),
			 PASSWORD_OK);
	text[72] = 'x';
	text[73] = '\0';
	assert_int_equal(password_rules_check(&bcrypt, text, NULL, NULL, NULL),
			 PASSWORD_TOO_MANY_BYTES);
}

static void test_weak_passwords(void **state)
{
	static const struct {
		const char *password;
		enum password_weakness weakness;
	} weak[] = {
		{ "passwordpassword", PASSWORD_WEAKNESS_WORD },
		{ "alice@example.test", PASSWORD_WEAKNESS_USER_WORD },
		{ "example.test1", PASSWORD_WEAKNESS_USER_WORD },
		{ "}}}}}}}}}}}}}}}}", PASSWORD_WEAKNESS_REPEAT },
		{ "abcdefghijklmn", PASSWORD_WEAKNESS_SEQUENCE },
	};
	struct password_strength strength;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(weak); i++) {
		assert_int_equal(password_rules_check(&rules, weak[i].password,
				 "alice@example.test", "Our Mail", &strength),
				 PASSWORD_TOO_WEAK);
		assert_true(strength.score < 3);
		assert_int_equal(strength.weakness, weak[i].weakness);
	}
	assert_int_equal(password_rules_check(&rules, "hJ7#kq2!Wm9xTg4$",
			 "alice@example.test", "Our Mail", &strength),
			 PASSWORD_OK);
	assert_int_equal(strength.score, 4);
	assert_int_equal(strength.weakness, PASSWORD_WEAKNESS_NONE);
}

static void test_portal_passwords(void **state)
{
	char hash[PORTAL_PASSWORD_HASH_SIZE];
	struct argon2_text text;

	(void)state;
	assert_true(portal_password_hash("pass w\xc3\xb6rd", hash));
	assert_true(argon2_text_parse(hash, &text));
	assert_true(text.is_id && text.memory == 65536 && text.time == 3);
	assert_true(portal_password_verify(hash, "pass w\xc3\xb6rd"));
	assert_false(portal_password_verify(hash, "pass word"));
	assert_false(portal_password_verify(NULL, "pass word"));
	assert_false(portal_password_needs_rehash(hash));
	assert_true(portal_password_needs_rehash(
		"$argon2id$v=19$m=64,t=3,p=2$c2FsdHNhbHQ$aGFzaA"));
	assert_true(portal_password_needs_rehash("$2y$12$x"));
}

static void test_absurd_costs_are_not_paid(void **state)
{
	static const char *const hashes[] = {
		"$argon2id$v=19$m=4294967295,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=2000000,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=64,t=99999,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=64,t=3,p=9999$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=16$m=64,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2d$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
		"{SHA512-CRYPT}$6$rounds=999999999$salt$hash",
		"{BLF-CRYPT}$2y$31$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"{PBKDF2}$1$salt$999999999$00",
		"{CRYPT}$y$jFT$salt$hash",
	};
	struct argon2_text text;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(hashes); i++) {
		assert_false(argon2_text_parse(hashes[i], &text));
		assert_int_equal(mailbox_hash_verify(hashes[i], "x"),
				 MAILBOX_HASH_UNKNOWN);
	}
}

static void test_each_scheme(void **state)
{
	char hash[MAILBOX_HASH_SIZE], again[MAILBOX_HASH_SIZE], prefix[32];
	enum mailbox_hash_scheme scheme;
	unsigned int i;

	(void)state;
	for (i = 0; i < MAILBOX_HASH_SCHEME_COUNT; i++) {
		assert_true(mailbox_hash_scheme_parse(mailbox_hash_scheme_name(
			(enum mailbox_hash_scheme)i), &scheme));
		assert_int_equal(scheme, i);
		assert_true(mailbox_hash_generate(scheme, &cheap, "s\xc3\xa9" "cret",
						  hash));
		assert_true(mailbox_hash_generate(scheme, &cheap, "s\xc3\xa9" "cret",
						  again));
		assert_string_not_equal(hash, again);
		(void)snprintf(prefix, sizeof(prefix), "{%s}$",
			       mailbox_hash_scheme_name(scheme));
		assert_memory_equal(hash, prefix, strlen(prefix));
		assert_int_equal(mailbox_hash_verify(hash, "s\xc3\xa9" "cret"),
				 MAILBOX_HASH_RIGHT);
		assert_int_equal(mailbox_hash_verify(hash, "secret"),
				 MAILBOX_HASH_WRONG);
		assert_int_equal(mailbox_hash_verify(hash, ""),
				 MAILBOX_HASH_WRONG);
		/* without its scheme Dovecot takes it by its looks */
		if (scheme != MAILBOX_HASH_PBKDF2)
			assert_int_equal(mailbox_hash_verify(
				hash + strlen(prefix) - 1, "s\xc3\xa9" "cret"),
				MAILBOX_HASH_RIGHT);
	}
	assert_false(mailbox_hash_scheme_parse("BCRYPT", &scheme));
}

static void test_bcrypt_takes_no_more_than_it_sees(void **state)
{
	char password[74], hash[MAILBOX_HASH_SIZE];

	(void)state;
	memset(password, 'x', sizeof(password));
	password[72] = '\0';
	assert_true(mailbox_hash_generate(MAILBOX_HASH_BLF_CRYPT, &cheap,
					  password, hash));
	password[72] = 'x';
	password[73] = '\0';
	assert_false(mailbox_hash_generate(MAILBOX_HASH_BLF_CRYPT, &cheap,
					   password, hash));
}

static void test_unknown_hashes(void **state)
{
	static const char *const hashes[] = {
		"", "x", "{", "{}", "{MD5}x", "{ARGON2ID}", "{ARGON2ID}$salt",
		"{ARGON2ID.HEX}00", "{SHA512-CRYPT", "{SHA512-CRYPT}*0",
		"{PBKDF2}$pbkdf2-sha256$1$x$y", "{PBKDF2}$1$", "{PBKDF2}$1$a$b$c",
		"{PBKDF2}$1$salt$0$00", "{SSHA512}", "{SSHA512}!!!!", "{SHA256}AA==",
		"{SSHA256.hex}zz", "{SSHA512.rot13}x", "$", "$2y$", "$6$", "*0", "*1",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(hashes); i++)
		assert_int_not_equal(mailbox_hash_verify(hashes[i], "x"),
				     MAILBOX_HASH_RIGHT);
}

static void test_floors(void **state)
{
	struct mailbox_hash_cost cost = mailbox_hash_cost_default;
	const char *error;

	(void)state;
	assert_true(mailbox_hash_cost_check(&cost, &error));
	cost.sha_rounds = 5000;
	assert_false(mailbox_hash_cost_check(&cost, &error));
	assert_non_null(strstr(error, "password_sha_rounds"));
	assert_false(mailbox_hash_cost_check(&cheap, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_of_passwords),
		cmocka_unit_test(test_weak_passwords),
		cmocka_unit_test(test_portal_passwords),
		cmocka_unit_test(test_absurd_costs_are_not_paid),
		cmocka_unit_test(test_each_scheme),
		cmocka_unit_test(test_bcrypt_takes_no_more_than_it_sees),
		cmocka_unit_test(test_unknown_hashes),
		cmocka_unit_test(test_floors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
