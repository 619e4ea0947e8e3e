#include "csrf.h"
#include "bytes.h"
#include "secret-key.h"

#include <openssl/crypto.h>
#include <string.h>

#define MASK_SIZE SECRET_KEY_SIZE

_Static_assert(CSRF_KEY_SIZE == SECRET_KEY_SIZE, "the key is one");
_Static_assert(CSRF_TOKEN_SIZE == 4 * MASK_SIZE + 1, "mask and masked, hex");

void csrf_key_generate(unsigned char key_r[CSRF_KEY_SIZE])
{
	bytes_random(key_r, CSRF_KEY_SIZE);
}

static void form_hmac(const unsigned char key[CSRF_KEY_SIZE], const char *form,
		      unsigned char hmac_r[MASK_SIZE])
{
	struct secret_key secret;

	memcpy(secret.bytes, key, sizeof(secret.bytes));
	secret_key_hmac(&secret, "form", form, strlen(form), hmac_r);
	secret_key_wipe(&secret);
}

void csrf_token_make(const unsigned char key[CSRF_KEY_SIZE], const char *form,
		     char token_r[CSRF_TOKEN_SIZE])
{
	unsigned char token[2 * MASK_SIZE], hmac[MASK_SIZE];
	unsigned int i;

	form_hmac(key, form, hmac);
	bytes_random(token, MASK_SIZE);
	for (i = 0; i < MASK_SIZE; i++)
		token[MASK_SIZE + i] = token[i] ^ hmac[i];
	bytes_to_hex(token, sizeof(token), token_r);
	OPENSSL_cleanse(hmac, sizeof(hmac));
}

bool csrf_token_check(const unsigned char key[CSRF_KEY_SIZE], const char *form,
		      const char *token)
{
	unsigned char bytes[2 * MASK_SIZE], hmac[MASK_SIZE];
	unsigned int i;
	bool ok;

	if (token == NULL || !bytes_from_hex(token, bytes, sizeof(bytes)))
		return false;
	form_hmac(key, form, hmac);
	for (i = 0; i < MASK_SIZE; i++)
		bytes[MASK_SIZE + i] ^= bytes[i];
	ok = bytes_equal(bytes + MASK_SIZE, hmac, MASK_SIZE);
	OPENSSL_cleanse(hmac, sizeof(hmac));
	return ok;
}
