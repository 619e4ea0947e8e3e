#include "sealed-request-private.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hpke.h>

static const OSSL_HPKE_SUITE seal_suite = {
	OSSL_HPKE_KEM_ID_X25519,
	OSSL_HPKE_KDF_ID_HKDF_SHA256,
	OSSL_HPKE_AEAD_ID_AES_GCM_256,
};

static int hpke_seal(OSSL_HPKE_CTX *ctx, const struct seal_public_key *pub,
		     struct seal_span info, struct seal_span aad,
		     struct seal_span plain, struct seal_span ikm_e,
		     unsigned char enc_r[SEAL_ENC_SIZE],
		     unsigned char *cipher_r)
{
	size_t enc_size = SEAL_ENC_SIZE;
	size_t cipher_size = plain.size + SEAL_TAG_SIZE;

	if (ikm_e.size > 0 &&
	    OSSL_HPKE_CTX_set1_ikme(ctx, ikm_e.data, ikm_e.size) != 1)
		return -1;
	if (OSSL_HPKE_encap(ctx, enc_r, &enc_size, pub->bytes, SEAL_KEY_SIZE,
			    info.data, info.size) != 1 ||
	    enc_size != SEAL_ENC_SIZE)
		return -1;
	if (OSSL_HPKE_seal(ctx, cipher_r, &cipher_size, aad.data, aad.size,
			   plain.data, plain.size) != 1 ||
	    cipher_size != plain.size + SEAL_TAG_SIZE)
		return -1;
	return 0;
}

int seal_hpke_seal(const struct seal_public_key *pub, struct seal_span info,
		   struct seal_span aad, struct seal_span plain,
		   struct seal_span ikm_e, unsigned char enc_r[SEAL_ENC_SIZE],
		   unsigned char *cipher_r, const char **error_r)
{
	OSSL_HPKE_CTX *ctx;
	int ret = -1;

	/* Nobody else's look at the thread's error queue shall find ours. */
	ERR_set_mark();
	ctx = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_BASE, seal_suite,
				OSSL_HPKE_ROLE_SENDER, NULL, NULL);
	if (ctx != NULL) {
		ret = hpke_seal(ctx, pub, info, aad, plain, ikm_e,
				enc_r, cipher_r);
		OSSL_HPKE_CTX_free(ctx);
	}
	ERR_pop_to_mark();

	if (ret < 0) {
		OPENSSL_cleanse(enc_r, SEAL_ENC_SIZE);
		OPENSSL_cleanse(cipher_r, plain.size + SEAL_TAG_SIZE);
		*error_r = "libcrypto did not seal to this public key";
	}
	return ret;
}

static int hpke_open(OSSL_HPKE_CTX *ctx, EVP_PKEY *pkey,
		     const unsigned char enc[SEAL_ENC_SIZE],
		     struct seal_span info, struct seal_span aad,
		     struct seal_span cipher, uint64_t seq,
		     unsigned char *plain_r)
{
	size_t plain_size = cipher.size - SEAL_TAG_SIZE;

	if (OSSL_HPKE_decap(ctx, enc, SEAL_ENC_SIZE, pkey,
			    info.data, info.size) != 1)
		return -1;
	if (seq != 0 && OSSL_HPKE_CTX_set_seq(ctx, seq) != 1)
		return -1;
	if (OSSL_HPKE_open(ctx, plain_r, &plain_size, aad.data, aad.size,
			   cipher.data, cipher.size) != 1 ||
	    plain_size != cipher.size - SEAL_TAG_SIZE)
		return -1;
	return 0;
}

int seal_hpke_open(const struct seal_private_key *priv,
		   const unsigned char enc[SEAL_ENC_SIZE],
		   struct seal_span info, struct seal_span aad,
		   struct seal_span cipher, uint64_t seq,
		   unsigned char *plain_r, const char **error_r)
{
	OSSL_HPKE_CTX *ctx;
	EVP_PKEY *pkey;
	int ret = -1;

	if (cipher.size < SEAL_TAG_SIZE) {
		*error_r = SEAL_ERROR_DOES_NOT_OPEN;
		return -1;
	}

	ERR_set_mark();
	pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL,
					       priv->bytes, SEAL_KEY_SIZE);
	ctx = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_BASE, seal_suite,
				OSSL_HPKE_ROLE_RECEIVER, NULL, NULL);
	if (pkey == NULL || ctx == NULL) {
		*error_r = SEAL_ERROR_CRYPTO;
	} else {
		ret = hpke_open(ctx, pkey, enc, info, aad, cipher, seq,
				plain_r);
		if (ret < 0)
			*error_r = SEAL_ERROR_DOES_NOT_OPEN;
	}
	OSSL_HPKE_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();

	if (ret < 0)
		OPENSSL_cleanse(plain_r, cipher.size - SEAL_TAG_SIZE);
	return ret;
}
