#include "portal-password.h"
#include "argon2-text.h"
#include "bytes.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <string.h>

#define MEMORY_KIB 65536
#define TIME 3
#define LANES 1
#define SALT_SIZE 16
#define HASH_SIZE 32

static bool hash_with_salt(const char *password,
			   const unsigned char salt[SALT_SIZE],
			   char hash_r[PORTAL_PASSWORD_HASH_SIZE])
{
	return argon2id_hash_encoded(TIME, MEMORY_KIB, LANES, password,
				     strlen(password), salt, SALT_SIZE,
				     HASH_SIZE, hash_r,
				     PORTAL_PASSWORD_HASH_SIZE) == ARGON2_OK;
}

bool portal_password_hash(const char *password,
			  char hash_r[PORTAL_PASSWORD_HASH_SIZE])
{
	unsigned char salt[SALT_SIZE];

	bytes_random(salt, sizeof(salt));
	return hash_with_salt(password, salt, hash_r);
}

/* Takes as long as to verify a hash that there is. */
static void work_in_vain(const char *password)
{
	static const unsigned char salt[SALT_SIZE] = "nobody's account";
	char hash[PORTAL_PASSWORD_HASH_SIZE];

	(void)hash_with_salt(password, salt, hash);
	OPENSSL_cleanse(hash, sizeof(hash));
}

bool portal_password_verify(const char *hash, const char *password)
{
	struct argon2_text text;

	if (hash == NULL || !argon2_text_parse(hash, &text) || !text.is_id) {
		work_in_vain(password);
		return false;
	}
	return argon2id_verify(hash, password, strlen(password)) == ARGON2_OK;
}

bool portal_password_needs_rehash(const char *hash)
{
	struct argon2_text text;

	return !argon2_text_parse(hash, &text) || !text.is_id ||
		text.memory < MEMORY_KIB || text.time < TIME;
}
