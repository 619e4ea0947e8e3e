#include "mailbox-hash.h"
#include "mailbox-hash-private.h"
#include "argon2-text.h"
#include "bytes.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whatever a stored hash asks for: no more than some seconds. */
#define ROUNDS_MAX 10000000U
#define BCRYPT_COST_MAX 17U
#define DIGEST_MAX 256

enum encoding {
	ENCODING_DEFAULT,
	ENCODING_BASE64,
	ENCODING_HEX
};

typedef enum mailbox_hash_result
verify_t(const char *hash, const char *password, enum encoding encoding);

static bool parse_number(const char **p, unsigned int max,
			 unsigned int *number_r)
{
	const char *begin = *p;
	unsigned int number = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		number = number * 10 + (unsigned int)(**p - '0');
		if (number > max)
			return false;
	}
	*number_r = number;
	return *p != begin && number > 0;
}

static enum mailbox_hash_result result_of(bool right)
{
	return right ? MAILBOX_HASH_RIGHT : MAILBOX_HASH_WRONG;
}

static enum mailbox_hash_result
verify_argon2(const char *hash, const char *password, enum encoding encoding)
{
	struct argon2_text text;
	int ret;

	if (encoding != ENCODING_DEFAULT || !argon2_text_parse(hash, &text))
		return MAILBOX_HASH_UNKNOWN;
	ret = argon2_verify(hash, password, strlen(password),
			    text.is_id ? Argon2_id : Argon2_i);
	if (ret == ARGON2_OK || ret == ARGON2_VERIFY_MISMATCH)
		return result_of(ret == ARGON2_OK);
	return MAILBOX_HASH_UNKNOWN;
}

/* Would crypt() work on it for longer than we want? */
static bool crypt_is_affordable(const char *hash)
{
	unsigned int cost;
	const char *p;

	if (hash[0] != '$')
		return true;
	if (hash[1] == '2') {
		p = strchr(hash + 2, '$');
		return p != NULL && (p++, parse_number(&p, BCRYPT_COST_MAX,
						       &cost));
	}
	p = strstr(hash, "$rounds=");
	if (p != NULL) {
		p += strlen("$rounds=");
		return parse_number(&p, ROUNDS_MAX, &cost);
	}
	/* "$y$j9T$": the middle says it, up to some 20 s at jFT; and others
	   that hardly anybody has */
	if (strncmp(hash, "$y$", 3) == 0)
		return strncmp(hash, "$y$j", 4) == 0 && hash[4] >= '5' &&
			hash[4] <= '9' && hash[5] == 'T';
	return strncmp(hash, "$5$", 3) == 0 || strncmp(hash, "$6$", 3) == 0 ||
		strncmp(hash, "$1$", 3) == 0;
}

static enum mailbox_hash_result
verify_crypt(const char *hash, const char *password, enum encoding encoding)
{
	const size_t size = strlen(hash);
	char computed[MAILBOX_HASH_SIZE];
	enum mailbox_hash_result result;

	if (encoding != ENCODING_DEFAULT || size >= sizeof(computed) ||
	    !crypt_is_affordable(hash) ||
	    !mailbox_hash_crypt(password, hash, computed, sizeof(computed)))
		return MAILBOX_HASH_UNKNOWN;
	result = result_of(strlen(computed) == size &&
			   bytes_equal(computed, hash, size));
	OPENSSL_cleanse(computed, sizeof(computed));
	return result;
}

/* $1$salt$rounds$hex */
static enum mailbox_hash_result
verify_pbkdf2(const char *hash, const char *password, enum encoding encoding)
{
	char hex[2 * PBKDF2_HASH_SIZE + 1];
	unsigned char ignored[PBKDF2_HASH_SIZE];
	const char *salt, *end;
	unsigned int rounds;

	if (encoding != ENCODING_DEFAULT || strncmp(hash, "$1$", 3) != 0)
		return MAILBOX_HASH_UNKNOWN;
	salt = hash + 3;
	end = strchr(salt, '$');
	if (end == NULL)
		return MAILBOX_HASH_UNKNOWN;
	hash = end + 1;
	if (!parse_number(&hash, ROUNDS_MAX, &rounds) || *hash++ != '$' ||
	    !bytes_from_hex(hash, ignored, sizeof(ignored)))
		return MAILBOX_HASH_UNKNOWN;
	mailbox_hash_pbkdf2(password, salt, (size_t)(end - salt), rounds, hex);
	return result_of(bytes_equal(hex, hash, sizeof(hex) - 1));
}

/* Returns the size, or -1. */
static int decode(const char *text, enum encoding encoding,
		  unsigned char data_r[DIGEST_MAX])
{
	const size_t size = strlen(text);
	int ret;

	if (size > DIGEST_MAX)
		return -1;
	if (encoding == ENCODING_HEX)
		return bytes_from_hex(text, data_r, size / 2) ?
			(int)(size / 2) : -1;
	if (size % 4 != 0 || size == 0)
		return -1;
	ret = EVP_DecodeBlock(data_r, (const unsigned char *)text, (int)size);
	if (ret < 0)
		return -1;
	/* it counts what the padding stands for */
	return ret - (text[size - 1] == '=') - (text[size - 2] == '=');
}

/* A digest of password and salt, and then the salt. */
static enum mailbox_hash_result
verify_digest(const char *hash, const char *password, enum encoding encoding,
	      const EVP_MD *md, bool salted)
{
	const int digest_size = EVP_MD_get_size(md);
	unsigned char stored[DIGEST_MAX], computed[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx;
	int size;

	size = decode(hash, encoding, stored);
	if (size < digest_size || (size > digest_size) != salted)
		return MAILBOX_HASH_UNKNOWN;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex(ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, password, strlen(password)) != 1 ||
	    EVP_DigestUpdate(ctx, stored + digest_size,
			     (size_t)(size - digest_size)) != 1 ||
	    EVP_DigestFinal_ex(ctx, computed, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return result_of(bytes_equal(stored, computed, (size_t)digest_size));
}

static enum mailbox_hash_result
verify_sha256(const char *hash, const char *password, enum encoding encoding)
{
	return verify_digest(hash, password, encoding, EVP_sha256(), false);
}

static enum mailbox_hash_result
verify_sha512(const char *hash, const char *password, enum encoding encoding)
{
	return verify_digest(hash, password, encoding, EVP_sha512(), false);
}

static enum mailbox_hash_result
verify_ssha256(const char *hash, const char *password, enum encoding encoding)
{
	return verify_digest(hash, password, encoding, EVP_sha256(), true);
}

static enum mailbox_hash_result
verify_ssha512(const char *hash, const char *password, enum encoding encoding)
{
	return verify_digest(hash, password, encoding, EVP_sha512(), true);
}

static enum mailbox_hash_result
verify_plain(const char *hash, const char *password, enum encoding encoding)
{
	const size_t size = strlen(hash);

	if (encoding != ENCODING_DEFAULT)
		return MAILBOX_HASH_UNKNOWN;
	return result_of(strlen(password) == size &&
			 bytes_equal(hash, password, size));
}

/* Not the schemes that Dovecot calls weak, and refuses. */
static const struct {
	const char *name;
	verify_t *verify;
} verifiers[] = {
	{ "ARGON2ID", verify_argon2 },
	{ "ARGON2I", verify_argon2 },
	{ "ARGON2", verify_argon2 },
	{ "BLF-CRYPT", verify_crypt },
	{ "SHA512-CRYPT", verify_crypt },
	{ "SHA256-CRYPT", verify_crypt },
	{ "CRYPT", verify_crypt },
	{ "PBKDF2", verify_pbkdf2 },
	{ "PLAIN", verify_plain },
	{ "CLEAR", verify_plain },
	{ "CLEARTEXT", verify_plain },
	{ "SHA256", verify_sha256 },
	{ "SHA512", verify_sha512 },
	{ "SSHA256", verify_ssha256 },
	{ "SSHA512", verify_ssha512 },
};

static bool parse_encoding(const char *name, size_t size,
			   enum encoding *encoding_r)
{
	if (size == 0)
		*encoding_r = ENCODING_DEFAULT;
	else if (size == 4 && strncasecmp(name, ".hex", 4) == 0)
		*encoding_r = ENCODING_HEX;
	else if ((size == 4 && strncasecmp(name, ".b64", 4) == 0) ||
		 (size == 7 && strncasecmp(name, ".base64", 7) == 0))
		*encoding_r = ENCODING_BASE64;
	else
		return false;
	return true;
}

/* scheme is what stood between the braces. */
static verify_t *find_verifier(const char *scheme, size_t size,
			       enum encoding *encoding_r)
{
	const size_t name_size = strcspn(scheme, ".}");
	unsigned int i;

	if (!parse_encoding(scheme + name_size, size - name_size, encoding_r))
		return NULL;
	for (i = 0; i < sizeof(verifiers) / sizeof(verifiers[0]); i++) {
		if (strlen(verifiers[i].name) == name_size &&
		    strncasecmp(verifiers[i].name, scheme, name_size) == 0)
			return verifiers[i].verify;
	}
	return NULL;
}

static void work_in_vain(const char *password)
{
	char hash[MAILBOX_HASH_SIZE];

	if (mailbox_hash_generate(MAILBOX_HASH_ARGON2ID,
				  &mailbox_hash_cost_default, password, hash))
		OPENSSL_cleanse(hash, sizeof(hash));
}

enum mailbox_hash_result mailbox_hash_verify(const char *hash,
					     const char *password)
{
	enum encoding encoding = ENCODING_DEFAULT;
	verify_t *verify = NULL;
	const char *end;

	if (hash == NULL) {
		work_in_vain(password);
		return MAILBOX_HASH_WRONG;
	}
	if (hash[0] == '{' && (end = strchr(hash, '}')) != NULL) {
		verify = find_verifier(hash + 1, (size_t)(end - hash - 1),
				       &encoding);
		hash = end + 1;
	} else if (strncmp(hash, "$argon2", 7) == 0) {
		verify = verify_argon2;
	} else if (hash[0] == '$') {
		verify = verify_crypt;
	}
	return verify == NULL ? MAILBOX_HASH_UNKNOWN :
		verify(hash, password, encoding);
}
