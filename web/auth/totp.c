#include "totp.h"
#include "arena.h"
#include "buffer.h"
#include "bytes.h"

#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define BASE32_LEN 32

static pthread_once_t oath_once = PTHREAD_ONCE_INIT;

static void oath_begin(void)
{
	if (oath_init() != OATH_OK)
		abort();
}

void totp_secret_generate(struct totp_secret *secret_r)
{
	bytes_random(secret_r->bytes, sizeof(secret_r->bytes));
}

void totp_secret_wipe(struct totp_secret *secret)
{
	OPENSSL_cleanse(secret, sizeof(*secret));
}

/* RFC 4648; 20 bytes are 32 characters without padding. */
static void to_base32(const struct totp_secret *secret,
		      char text_r[BASE32_LEN + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned int i, bit;

	for (i = 0; i < BASE32_LEN; i++) {
		unsigned int value = 0;

		for (bit = i * 5; bit < i * 5 + 5; bit++)
			value = value << 1 |
				(secret->bytes[bit / 8] >> (7 - bit % 8) & 1);
		text_r[i] = alphabet[value];
	}
	text_r[i] = '\0';
}

void totp_secret_to_text(const struct totp_secret *secret,
			 char text_r[TOTP_SECRET_TEXT_SIZE])
{
	char base32[BASE32_LEN + 1];
	unsigned int i, size = 0;

	to_base32(secret, base32);
	for (i = 0; i < BASE32_LEN; i++) {
		if (i > 0 && i % 4 == 0)
			text_r[size++] = ' ';
		text_r[size++] = base32[i];
	}
	text_r[size] = '\0';
	OPENSSL_cleanse(base32, sizeof(base32));
}

static void append_url(struct buffer *buffer, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p != '\0'; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL)
			buffer_append_char(buffer, (char)*p);
		else
			buffer_printf(buffer, "%%%02X", *p);
	}
}

const char *totp_uri(struct arena *arena, const struct totp_secret *secret,
		     const char *product_name, const char *account_email)
{
	struct buffer uri = BUFFER_INIT;
	char base32[BASE32_LEN + 1];
	const char *copy;

	to_base32(secret, base32);
	buffer_append_str(&uri, "otpauth://totp/");
	append_url(&uri, product_name);
	buffer_append_char(&uri, ':');
	append_url(&uri, account_email);
	buffer_printf(&uri, "?secret=%s&issuer=", base32);
	append_url(&uri, product_name);
	buffer_append_str(&uri, "&algorithm=SHA1&digits=6&period=30");
	copy = arena_strdup(arena, buffer_str(&uri));
	buffer_free(&uri);
	OPENSSL_cleanse(base32, sizeof(base32));
	return copy;
}

static void account_bytes(uint64_t account_id, unsigned char bytes_r[8])
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		bytes_r[i] = (unsigned char)(account_id >> (56 - 8 * i));
}

/* Encrypts, or decrypts and checks the tag. */
static bool run_gcm(const struct secret_key *key, uint64_t account_id,
		    const unsigned char *nonce, const unsigned char *in,
		    unsigned char *out, unsigned char *tag, bool encrypt)
{
	unsigned char derived[SECRET_KEY_SIZE], aad[8];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int size;
	bool ok;

	account_bytes(account_id, aad);
	secret_key_hmac(key, "TOTP secrets", "1", 1, derived);
	ok = ctx != NULL &&
		EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), derived, nonce,
				   encrypt ? 1 : 0, NULL) == 1 &&
		(encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
						TAG_SIZE, tag) == 1) &&
		EVP_CipherUpdate(ctx, NULL, &size, aad, sizeof(aad)) == 1 &&
		EVP_CipherUpdate(ctx, out, &size, in, TOTP_SECRET_SIZE) == 1 &&
		EVP_CipherFinal_ex(ctx, out + size, &size) == 1 &&
		(!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
						 TAG_SIZE, tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(derived, sizeof(derived));
	return ok;
}

bool totp_secret_seal(const struct secret_key *key, uint64_t account_id,
		      const struct totp_secret *secret,
		      unsigned char sealed_r[TOTP_SEALED_SIZE])
{
	bytes_random(sealed_r, NONCE_SIZE);
	return run_gcm(key, account_id, sealed_r, secret->bytes,
		       sealed_r + NONCE_SIZE,
		       sealed_r + NONCE_SIZE + TOTP_SECRET_SIZE, true);
}

bool totp_secret_open(const struct secret_key *key, uint64_t account_id,
		      const void *sealed, size_t size,
		      struct totp_secret *secret_r)
{
	unsigned char copy[TOTP_SEALED_SIZE];
	struct totp_secret secret;
	bool ok;

	if (size != sizeof(copy))
		return false;
	memcpy(copy, sealed, sizeof(copy));
	ok = run_gcm(key, account_id, copy, copy + NONCE_SIZE, secret.bytes,
		     copy + NONCE_SIZE + TOTP_SECRET_SIZE, false);
	if (ok)
		*secret_r = secret;
	totp_secret_wipe(&secret);
	return ok;
}

bool totp_code_parse(const char *text, char code_r[TOTP_DIGITS + 1])
{
	char code[TOTP_DIGITS + 1];
	unsigned int size = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		if (*text < '0' || *text > '9' || size == TOTP_DIGITS)
			return false;
		code[size++] = *text;
	}
	if (size != TOTP_DIGITS)
		return false;
	code[size] = '\0';
	memcpy(code_r, code, sizeof(code));
	return true;
}

bool totp_verify(const struct totp_secret *secret, const char *code,
		 uint64_t now, uint64_t last_step, uint64_t *step_r)
{
	const uint64_t current = now / TOTP_STEP_SECS;
	char expected[TOTP_DIGITS + 1], given[TOTP_DIGITS + 1];
	uint64_t step;
	bool found = false;

	if (!totp_code_parse(code, given))
		return false;
	(void)pthread_once(&oath_once, oath_begin);
	for (step = current == 0 ? 0 : current - 1; step <= current + 1;
	     step++) {
		if (oath_hotp_generate((const char *)secret->bytes,
				       sizeof(secret->bytes), step, TOTP_DIGITS,
				       false, OATH_HOTP_DYNAMIC_TRUNCATION,
				       expected) != OATH_OK)
			abort();
		if (bytes_equal(expected, given, TOTP_DIGITS) &&
		    step > last_step && !found) {
			*step_r = step;
			found = true;
		}
	}
	OPENSSL_cleanse(expected, sizeof(expected));
	return found;
}
