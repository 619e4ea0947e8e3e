#include "mailbox-hash.h"
#include "mailbox-hash-private.h"
#include "bytes.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ARGON2_SALT_SIZE 16
#define ARGON2_HASH_SIZE 32
#define PBKDF2_SALT_LEN 16

static const char *const scheme_names[MAILBOX_HASH_SCHEME_COUNT] = {
	[MAILBOX_HASH_ARGON2ID] = "ARGON2ID",
	[MAILBOX_HASH_ARGON2I] = "ARGON2I",
	[MAILBOX_HASH_BLF_CRYPT] = "BLF-CRYPT",
	[MAILBOX_HASH_SHA512_CRYPT] = "SHA512-CRYPT",
	[MAILBOX_HASH_SHA256_CRYPT] = "SHA256-CRYPT",
	[MAILBOX_HASH_PBKDF2] = "PBKDF2",
};

/* Some 150 ms each; with PBKDF2 in Dovecot, whose own takes ten times as long as
   libcrypto's and holds up its log-ins. */
const struct mailbox_hash_cost mailbox_hash_cost_default = {
	.argon2_memory = 65536,
	.argon2_time = 3,
	.argon2_parallelism = 1,
	.bcrypt_cost = 12,
	.sha_rounds = 500000,
	.pbkdf2_rounds = 200000,
};

const char *mailbox_hash_scheme_name(enum mailbox_hash_scheme scheme)
{
	return scheme_names[scheme];
}

bool mailbox_hash_scheme_parse(const char *name,
			       enum mailbox_hash_scheme *scheme_r)
{
	unsigned int i;

	for (i = 0; i < MAILBOX_HASH_SCHEME_COUNT; i++) {
		if (strcasecmp(name, scheme_names[i]) == 0) {
			*scheme_r = (enum mailbox_hash_scheme)i;
			return true;
		}
	}
	return false;
}

bool mailbox_hash_cost_check(const struct mailbox_hash_cost *cost,
			     const char **error_r)
{
	const struct {
		unsigned int value, min, max;
		const char *error;
	} limits[] = {
		{ cost->argon2_memory, 19456, 1048576,
		  "password_argon2_memory must be 19456 to 1048576 (KiB)" },
		{ cost->argon2_time, 2, 20,
		  "password_argon2_time must be 2 to 20" },
		{ cost->argon2_parallelism, 1, 8,
		  "password_argon2_parallelism must be 1 to 8" },
		{ cost->bcrypt_cost, 10, 16,
		  "password_bcrypt_cost must be 10 to 16" },
		{ cost->sha_rounds, 100000, 5000000,
		  "password_sha_rounds must be 100000 to 5000000" },
		{ cost->pbkdf2_rounds, 100000, 10000000,
		  "password_pbkdf2_rounds must be 100000 to 10000000" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limits[i].value < limits[i].min ||
		    limits[i].value > limits[i].max) {
			*error_r = limits[i].error;
			return false;
		}
	}
	return true;
}

unsigned int mailbox_hash_password_max(enum mailbox_hash_scheme scheme)
{
	return scheme == MAILBOX_HASH_BLF_CRYPT ? 72 : 512;
}

bool mailbox_hash_crypt(const char *password, const char *setting,
			char *hash_r, size_t size)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *hash;
	bool ok;

	if (data == NULL)
		return false;
	hash = crypt_rn(password, setting, data, (int)sizeof(*data));
	ok = hash != NULL && hash[0] != '*' && strlen(hash) < size;
	if (ok)
		memcpy(hash_r, hash, strlen(hash) + 1);
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return ok;
}

void mailbox_hash_pbkdf2(const char *password, const char *salt,
			 size_t salt_size, unsigned int rounds,
			 char hex_r[2 * PBKDF2_HASH_SIZE + 1])
{
	unsigned char hash[PBKDF2_HASH_SIZE];

	if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password),
			      (const unsigned char *)salt, (int)salt_size,
			      (int)rounds, EVP_sha1(), sizeof(hash),
			      hash) != 1)
		abort();
	bytes_to_hex(hash, sizeof(hash), hex_r);
	OPENSSL_cleanse(hash, sizeof(hash));
}

static bool generate_argon2(argon2_type type,
			    const struct mailbox_hash_cost *cost,
			    const char *password, char *hash_r, size_t size)
{
	unsigned char salt[ARGON2_SALT_SIZE];

	bytes_random(salt, sizeof(salt));
	return argon2_hash(cost->argon2_time, cost->argon2_memory,
			   cost->argon2_parallelism, password,
			   strlen(password), salt, sizeof(salt), NULL,
			   ARGON2_HASH_SIZE, hash_r, size, type,
			   ARGON2_VERSION_13) == ARGON2_OK;
}

/* The cost is always said: what crypt takes without is too little. */
static bool generate_crypt(const char *prefix, unsigned long cost,
			   const char *password, char *hash_r, size_t size)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], random[32];

	bytes_random(random, sizeof(random));
	if (crypt_gensalt_rn(prefix, cost, random, sizeof(random), setting,
			     sizeof(setting)) == NULL)
		return false;
	return mailbox_hash_crypt(password, setting, hash_r, size);
}

static bool generate_pbkdf2(unsigned int rounds, const char *password,
			    char *hash_r, size_t size)
{
	static const char alphabet[] = "./0123456789"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char salt[PBKDF2_SALT_LEN + 1], hex[2 * PBKDF2_HASH_SIZE + 1];
	unsigned int i;

	bytes_random(salt, sizeof(salt));
	for (i = 0; i < PBKDF2_SALT_LEN; i++)
		salt[i] = alphabet[(unsigned char)salt[i] % 64];
	salt[i] = '\0';
	mailbox_hash_pbkdf2(password, salt, PBKDF2_SALT_LEN, rounds, hex);
	return snprintf(hash_r, size, "$1$%s$%u$%s", salt, rounds, hex) <
		(int)size;
}

static bool generate(enum mailbox_hash_scheme scheme,
		     const struct mailbox_hash_cost *cost,
		     const char *password, char *hash_r, size_t size)
{
	switch (scheme) {
	case MAILBOX_HASH_ARGON2ID:
		return generate_argon2(Argon2_id, cost, password, hash_r, size);
	case MAILBOX_HASH_ARGON2I:
		return generate_argon2(Argon2_i, cost, password, hash_r, size);
	case MAILBOX_HASH_BLF_CRYPT:
		return generate_crypt("$2y$", cost->bcrypt_cost, password,
				      hash_r, size);
	case MAILBOX_HASH_SHA512_CRYPT:
		return generate_crypt("$6$", cost->sha_rounds, password,
				      hash_r, size);
	case MAILBOX_HASH_SHA256_CRYPT:
		return generate_crypt("$5$", cost->sha_rounds, password,
				      hash_r, size);
	case MAILBOX_HASH_PBKDF2:
		return generate_pbkdf2(cost->pbkdf2_rounds, password, hash_r,
				       size);
	case MAILBOX_HASH_SCHEME_COUNT:
		break;
	}
	return false;
}

bool mailbox_hash_generate(enum mailbox_hash_scheme scheme,
			   const struct mailbox_hash_cost *cost,
			   const char *password, char hash_r[MAILBOX_HASH_SIZE])
{
	char hash[MAILBOX_HASH_SIZE] = "";
	int size;

	if (strlen(password) > mailbox_hash_password_max(scheme))
		return false;
	size = snprintf(hash, sizeof(hash), "{%s}", scheme_names[scheme]);
	if (!generate(scheme, cost, password, hash + size,
		      sizeof(hash) - (size_t)size))
		return false;
	memcpy(hash_r, hash, sizeof(hash));
	return true;
}
