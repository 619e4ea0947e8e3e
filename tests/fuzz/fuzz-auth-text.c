#include "fuzz.h"

#include "arena.h"
#include "backup-code.h"
#include "csrf.h"
#include "names.h"
#include "password-rules.h"
#include "quota.h"
#include "rate-limit.h"
#include "secret-key.h"
#include "token.h"
#include "totp.h"

#include <stdlib.h>
#include <string.h>

static const struct name_rules name_rules = {
	.min = 6, .max = 64, .delimiters = "+",
	.reserved = name_reserved_default,
};
/* With longer ones all time would be zxcvbn's, which is not ours. */
static const struct password_rules password_rules = {
	.min_chars = 1, .max_bytes = 32, .min_score = 3,
};

/* What was taken comes out the same again. */
static void try_quota(const char *text)
{
	char written[QUOTA_TEXT_SIZE];
	uint64_t bytes, again;

	if (!quota_parse(text, &bytes))
		return;
	quota_write(bytes, QUOTA_HUMAN, written);
	if (!quota_parse(written, &again) || again != bytes)
		abort();
}

static void try_names(const char *text)
{
	char local[NAME_LOCAL_MAX + 1], address[NAME_ADDRESS_MAX + 1];
	const char *domain;

	if (name_check(&name_rules, text, false) == NAME_OK &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
	    strlen(text))
		abort();
	(void)name_normalize(text, local, sizeof(local));
	(void)address_is_email(text);
	if (address_split(text, local, &domain) &&
	    (!address_join(local, domain, address) ||
	     strcmp(address, text) != 0))
		abort();
}

static void try_codes(struct arena *arena, const char *text)
{
	static const unsigned char key[CSRF_KEY_SIZE] = "key";
	char totp[TOTP_DIGITS + 1], backup[BACKUP_CODE_SIZE];
	unsigned char hash[TOKEN_HASH_SIZE];
	struct rate_limit limit;
	struct secret_key secret;
	const char *error;

	(void)totp_code_parse(text, totp);
	(void)backup_code_parse(text, backup);
	(void)token_hash(text, hash);
	(void)secret_key_parse(text, &secret, &error);
	(void)rate_limit_network(arena, text);
	(void)rate_limit_parse(text, &limit);
	if (csrf_token_check(key, "form", text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	struct password_strength strength;
	const char *text = arena_strndup(arena, (const char *)data, size);

	try_quota(text);
	try_names(text);
	try_codes(arena, text);
	(void)password_rules_check(&password_rules, text, "alice@example.test",
				   "Our Mail", &strength);
	arena_free(&arena);
	return 0;
}
