#include "lib.h"
#include "buffer.h"
#include "dcrypt.h"
#include "mail-cipher-kdf.h"
#include "mail-cipher-private.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* Longer than the shared secret of any curve: it is never moved. */
#define SECRET_MAX 128
#define CBC_IV_SIZE 16
#define ROUNDS 1

/* Made when first needed: to find an algorithm takes longer than to use it. */
static struct {
	EVP_CIPHER *cbc;
	EVP_CIPHER_CTX *ctx;
	/* the last one encrypted to */
	struct dcrypt_public_key *pub;
	unsigned char pub_id[SHA256_RESULTLEN];
} kept;

int mail_cipher_failed(const char *action, const char **error_r)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	*error_r = t_strdup_printf("%s failed: %s", action,
				   reason != NULL ? reason : "unknown error");
	return -1;
}

static int kept_init(const char **error_r)
{
	if (kept.cbc == NULL)
		kept.cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (kept.ctx == NULL)
		kept.ctx = EVP_CIPHER_CTX_new();
	if (kept.cbc == NULL || kept.ctx == NULL) {
		return mail_cipher_failed("EVP_CIPHER_fetch(AES-256-CBC)",
					  error_r);
	}
	return 0;
}

void mail_cipher_key_data_deinit(void)
{
	EVP_CIPHER_CTX_free(kept.ctx);
	EVP_CIPHER_free(kept.cbc);
	if (kept.pub != NULL)
		dcrypt_key_unref_public(&kept.pub);
	i_zero(&kept);
}

/* As the key is referenced, another one is elsewhere. */
static int pub_id_get(struct dcrypt_public_key *pub, const char **error_r)
{
	buffer_t *id;

	if (pub == kept.pub)
		return 0;
	if (kept.pub != NULL)
		dcrypt_key_unref_public(&kept.pub);
	id = t_buffer_create(sizeof(kept.pub_id));
	if (!dcrypt_key_id_public(pub, "sha256", id, error_r)) {
		*error_r = t_strdup_printf("dcrypt_key_id_public() failed: %s",
					   *error_r);
		return -1;
	}
	i_assert(id->used == sizeof(kept.pub_id));
	memcpy(kept.pub_id, id->data, sizeof(kept.pub_id));
	dcrypt_key_ref_public(pub);
	kept.pub = pub;
	return 0;
}

/* Encrypts or decrypts the key data with what the secret gives. */
static int key_data_crypt(bool encrypt, const buffer_t *secret,
			  const struct mail_cipher_envelope *envelope,
			  const unsigned char *data, size_t size,
			  unsigned char *data_r, size_t size_r,
			  const char **error_r)
{
	unsigned char key[MAIL_CIPHER_KEY_SIZE + CBC_IV_SIZE];
	/* what EVP_DecryptUpdate() may want */
	unsigned char out[MAIL_CIPHER_KEY_DATA_SEALED_SIZE + CBC_IV_SIZE];
	int len, final_len, ret = 0;

	if (kept_init(error_r) < 0)
		return -1;
	mail_cipher_pbkdf2(secret->data, secret->used,
			   envelope->ephemeral.data, envelope->ephemeral.size,
			   envelope->rounds, key, sizeof(key));
	if (EVP_CipherInit_ex2(kept.ctx, kept.cbc, key,
			       key + MAIL_CIPHER_KEY_SIZE, encrypt ? 1 : 0,
			       NULL) != 1 ||
	    EVP_CipherUpdate(kept.ctx, out, &len, data, (int)size) != 1 ||
	    EVP_CipherFinal_ex(kept.ctx, out + len, &final_len) != 1 ||
	    (size_t)(len + final_len) != size_r) {
		*error_r = "the key does not open it";
		ERR_clear_error();
		ret = -1;
	} else {
		memcpy(data_r, out, size_r);
	}
	(void)EVP_CIPHER_CTX_reset(kept.ctx);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(out, sizeof(out));
	return ret;
}

int mail_cipher_key_data_open(const struct mail_cipher_envelope *envelope,
			      struct dcrypt_private_key *key,
			      unsigned char *data_r, const char **error_r)
{
	buffer_t *ephemeral = t_buffer_create(envelope->ephemeral.size);
	buffer_t *secret = t_buffer_create(SECRET_MAX);
	int ret;

	buffer_append(ephemeral, envelope->ephemeral.data,
		      envelope->ephemeral.size);
	if (!dcrypt_ecdh_derive_secret_local(key, ephemeral, secret,
					     error_r)) {
		*error_r = t_strdup_printf("ECDH failed: %s", *error_r);
		return -1;
	}
	ret = key_data_crypt(FALSE, secret, envelope, envelope->key_data.data,
			     envelope->key_data.size, data_r,
			     MAIL_CIPHER_KEY_DATA_SIZE, error_r);
	buffer_clear_safe(secret);
	return ret;
}

int mail_cipher_key_data_check(const struct mail_cipher_envelope *envelope,
			       const unsigned char *data, const char **error_r)
{
	unsigned char hash[SHA256_RESULTLEN];

	mail_cipher_key_data_hash(data, MAIL_CIPHER_KEY_DATA_SIZE, hash);
	if (CRYPTO_memcmp(hash, envelope->key_data_hash.data,
			  sizeof(hash)) == 0)
		return 0;
	*error_r = "it is damaged: the hash of its key does not match";
	return -1;
}

int mail_cipher_key_data_seal(const unsigned char *data,
			      struct dcrypt_public_key *pub, buffer_t *header,
			      const char **error_r)
{
	unsigned char hash[SHA256_RESULTLEN];
	unsigned char sealed[MAIL_CIPHER_KEY_DATA_SEALED_SIZE];
	buffer_t *ephemeral = t_buffer_create(256);
	buffer_t *secret = t_buffer_create(SECRET_MAX);
	struct mail_cipher_envelope envelope = {
		.rounds = ROUNDS,
		.key_id = { kept.pub_id, sizeof(kept.pub_id) },
		.key_data = { sealed, sizeof(sealed) },
		.key_data_hash = { hash, sizeof(hash) },
	};
	int ret;

	if (pub_id_get(pub, error_r) < 0)
		return -1;
	if (!dcrypt_ecdh_derive_secret_peer(pub, ephemeral, secret, error_r)) {
		*error_r = t_strdup_printf("ECDH failed: %s", *error_r);
		return -1;
	}
	envelope.ephemeral.data = ephemeral->data;
	envelope.ephemeral.size = ephemeral->used;
	ret = key_data_crypt(TRUE, secret, &envelope, data,
			     MAIL_CIPHER_KEY_DATA_SIZE, sealed, sizeof(sealed),
			     error_r);
	buffer_clear_safe(secret);
	if (ret < 0)
		return -1;
	mail_cipher_key_data_hash(data, MAIL_CIPHER_KEY_DATA_SIZE, hash);
	mail_cipher_envelope_append(header, &envelope);
	return 0;
}
