#include "sealed-request-private.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define PRIVATE_LABEL "pymailadmin-seal-private:"
#define PUBLIC_LABEL "pymailadmin-seal-public:"
#define TEXT_VERSION "1:"

static_assert(sizeof(PRIVATE_LABEL TEXT_VERSION) + SEAL_KEY_SIZE * 2 <=
	      SEAL_KEY_TEXT_SIZE, "a private key fits its text buffer");
static_assert(sizeof(PUBLIC_LABEL TEXT_VERSION) + SEAL_KEY_SIZE * 2 <=
	      SEAL_KEY_TEXT_SIZE, "a public key fits its text buffer");

int seal_keygen(struct seal_private_key *priv_r, struct seal_public_key *pub_r,
		const char **error_r)
{
	int ret;

	/* Any 32 random bytes are a private key. libcrypto's own key, exported,
	   leaves a copy in memory that it frees without wiping. */
	ERR_set_mark();
	ret = RAND_priv_bytes(priv_r->bytes, SEAL_KEY_SIZE) == 1 ? 0 : -1;
	ERR_pop_to_mark();

	if (ret < 0) {
		OPENSSL_cleanse(pub_r, sizeof(*pub_r));
		*error_r = SEAL_ERROR_RANDOM;
	} else {
		ret = seal_private_to_public(priv_r, pub_r, error_r);
	}
	if (ret < 0)
		seal_private_key_wipe(priv_r);
	return ret;
}

int seal_private_to_public(const struct seal_private_key *priv,
			   struct seal_public_key *pub_r, const char **error_r)
{
	EVP_PKEY *pkey;
	size_t size = SEAL_KEY_SIZE;
	int ret = -1;

	ERR_set_mark();
	pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL,
					       priv->bytes, SEAL_KEY_SIZE);
	if (pkey != NULL &&
	    EVP_PKEY_get_raw_public_key(pkey, pub_r->bytes, &size) == 1 &&
	    size == SEAL_KEY_SIZE)
		ret = 0;
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();

	if (ret < 0) {
		OPENSSL_cleanse(pub_r, sizeof(*pub_r));
		*error_r = SEAL_ERROR_CRYPTO;
	}
	return ret;
}

int seal_key_id(const struct seal_public_key *pub,
		unsigned char id_r[SEAL_KEY_ID_SIZE], const char **error_r)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	int ret;

	ERR_set_mark();
	ret = EVP_Digest(pub->bytes, SEAL_KEY_SIZE, digest, NULL,
			 EVP_sha256(), NULL) == 1 ? 0 : -1;
	ERR_pop_to_mark();

	if (ret < 0) {
		memset(id_r, 0, SEAL_KEY_ID_SIZE);
		*error_r = SEAL_ERROR_CRYPTO;
	} else {
		memcpy(id_r, digest, SEAL_KEY_ID_SIZE);
	}
	return ret;
}

void seal_public_key_id(const struct seal_public_key *pub,
			unsigned char id_r[SEAL_KEY_ID_SIZE])
{
	const char *error;

	(void)seal_key_id(pub, id_r, &error);
}

/* Writes the digits and a NUL. Not by printf(): what it works with on the
   stack nobody wipes. */
static void hex_encode(const unsigned char *data, size_t size, char *text_r)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < size; i++) {
		text_r[i * 2] = digits[data[i] >> 4];
		text_r[i * 2 + 1] = digits[data[i] & 15];
	}
	text_r[size * 2] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int hex_decode(const char *text, unsigned char *data_r, size_t size)
{
	int high, low;
	size_t i;

	for (i = 0; i < size; i++) {
		if ((high = hex_digit(text[i * 2])) < 0 ||
		    (low = hex_digit(text[i * 2 + 1])) < 0)
			return -1;
		data_r[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

int seal_private_key_to_text(const struct seal_private_key *priv,
			     char text_r[SEAL_KEY_TEXT_SIZE])
{
	static const char start[] = PRIVATE_LABEL TEXT_VERSION;

	memset(text_r, 0, SEAL_KEY_TEXT_SIZE);
	memcpy(text_r, start, sizeof(start));
	hex_encode(priv->bytes, SEAL_KEY_SIZE, text_r + sizeof(start) - 1);
	return 0;
}

int seal_public_key_to_text(const struct seal_public_key *pub,
			    char text_r[SEAL_KEY_TEXT_SIZE])
{
	static const char start[] = PUBLIC_LABEL TEXT_VERSION;

	memset(text_r, 0, SEAL_KEY_TEXT_SIZE);
	memcpy(text_r, start, sizeof(start));
	hex_encode(pub->bytes, SEAL_KEY_SIZE, text_r + sizeof(start) - 1);
	return 0;
}

static bool skip_prefix(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

/* text: what follows the label. */
static int key_parse(const char *text, unsigned char bytes_r[SEAL_KEY_SIZE],
		     const char **error_r)
{
	size_t len = strnlen(text, SEAL_KEY_TEXT_SIZE);

	if (!skip_prefix(&text, TEXT_VERSION)) {
		*error_r = "the key's version is unknown to this program";
		return -1;
	}
	len -= strlen(TEXT_VERSION);
	if (len == SEAL_KEY_SIZE * 2 + 1 && text[len - 1] == '\n')
		len--;
	if (len != SEAL_KEY_SIZE * 2) {
		*error_r = "the key is not 64 hex digits long";
		return -1;
	}
	if (hex_decode(text, bytes_r, SEAL_KEY_SIZE) < 0) {
		OPENSSL_cleanse(bytes_r, SEAL_KEY_SIZE);
		*error_r = "the key has a character that is no lower case "
			"hex digit";
		return -1;
	}
	return 0;
}

int seal_private_key_parse(const char *text, struct seal_private_key *priv_r,
			   const char **error_r)
{
	seal_private_key_wipe(priv_r);
	if (skip_prefix(&text, PRIVATE_LABEL))
		return key_parse(text, priv_r->bytes, error_r);
	*error_r = skip_prefix(&text, PUBLIC_LABEL) ?
		"this is a public key, the private one belongs here" :
		"not a private key of pymailadmin";
	return -1;
}

int seal_public_key_parse(const char *text, struct seal_public_key *pub_r,
			  const char **error_r)
{
	OPENSSL_cleanse(pub_r, sizeof(*pub_r));
	if (skip_prefix(&text, PUBLIC_LABEL))
		return key_parse(text, pub_r->bytes, error_r);
	*error_r = skip_prefix(&text, PRIVATE_LABEL) ?
		"this is a private key, the public one belongs here" :
		"not a public key of pymailadmin";
	return -1;
}

int seal_request_id_generate(char id_r[SEAL_REQUEST_ID_LEN + 1],
			     const char **error_r)
{
	unsigned char bytes[SEAL_REQUEST_ID_LEN / 2];
	int ret;

	ERR_set_mark();
	ret = RAND_bytes(bytes, sizeof(bytes)) == 1 ? 0 : -1;
	ERR_pop_to_mark();

	if (ret < 0) {
		memset(id_r, 0, SEAL_REQUEST_ID_LEN + 1);
		*error_r = SEAL_ERROR_RANDOM;
	} else {
		hex_encode(bytes, sizeof(bytes), id_r);
	}
	return ret;
}

void seal_private_key_wipe(struct seal_private_key *priv)
{
	OPENSSL_cleanse(priv, sizeof(*priv));
}

void seal_secrets_wipe(struct seal_secrets *secrets)
{
	OPENSSL_cleanse(secrets, sizeof(*secrets));
}
