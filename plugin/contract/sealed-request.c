#include "sealed-request-private.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

#define KEY_ID_OFFSET (SEAL_MAGIC_LEN + 1)
#define ENC_OFFSET (KEY_ID_OFFSET + SEAL_KEY_ID_SIZE)

static_assert(SEAL_SIZE <= SEALED_REQUEST_MAX, "a seal fits its buffer");

static const unsigned char seal_info[] = "pymailadmin sealed request 1";
static const struct seal_span seal_info_span = {
	seal_info, sizeof(seal_info) - 1
};

int sealed_request_seal(const struct seal_public_key *pub,
			const struct seal_binding *binding,
			const struct seal_secrets *secrets,
			unsigned char out_r[SEALED_REQUEST_MAX],
			size_t *out_size_r, const char **error_r)
{
	const struct seal_span no_ikm_e = { NULL, 0 };
	unsigned char aad[SEAL_AAD_MAX], plain[SEAL_PLAIN_SIZE];
	size_t aad_size;
	int ret = -1;

	*out_size_r = 0;
	if (seal_binding_encode(binding, aad, &aad_size, error_r) == 0 &&
	    seal_key_id(pub, out_r + KEY_ID_OFFSET, error_r) == 0 &&
	    seal_secrets_encode(secrets, plain, error_r) == 0) {
		memcpy(out_r, SEAL_MAGIC, SEAL_MAGIC_LEN);
		out_r[SEAL_MAGIC_LEN] = SEAL_VERSION;
		ret = seal_hpke_seal(pub, seal_info_span,
			(struct seal_span){ aad, aad_size },
			(struct seal_span){ plain, sizeof(plain) }, no_ikm_e,
			out_r + ENC_OFFSET, out_r + SEAL_HEADER_SIZE, error_r);
		OPENSSL_cleanse(plain, sizeof(plain));
	}

	if (ret < 0)
		OPENSSL_cleanse(out_r, SEALED_REQUEST_MAX);
	else
		*out_size_r = SEAL_SIZE;
	return ret;
}

/* The part all versions have in common. */
static int seal_check_version(const unsigned char *data, size_t size,
			      const char **error_r)
{
	if (size <= SEAL_MAGIC_LEN || size > SEALED_REQUEST_MAX ||
	    memcmp(data, SEAL_MAGIC, SEAL_MAGIC_LEN) != 0 ||
	    data[SEAL_MAGIC_LEN] == 0) {
		*error_r = "not a sealed request";
		return -1;
	}
	if (data[SEAL_MAGIC_LEN] > SEAL_VERSION) {
		*error_r = "sealed by a newer version of pymailadmin";
		return -1;
	}
	return 0;
}

static int seal_check_frame(const unsigned char *data, size_t size,
			    const char **error_r)
{
	if (seal_check_version(data, size, error_r) < 0)
		return -1;
	if (size != SEAL_SIZE) {
		*error_r = SEAL_ERROR_DOES_NOT_OPEN;
		return -1;
	}
	return 0;
}

static int seal_check_key(const struct seal_private_key *priv,
			  const unsigned char *data, const char **error_r)
{
	struct seal_public_key pub;
	unsigned char id[SEAL_KEY_ID_SIZE];

	if (seal_private_to_public(priv, &pub, error_r) < 0 ||
	    seal_key_id(&pub, id, error_r) < 0)
		return -1;
	if (memcmp(data + KEY_ID_OFFSET, id, SEAL_KEY_ID_SIZE) != 0) {
		*error_r = "sealed to another key";
		return -1;
	}
	return 0;
}

int sealed_request_open(const struct seal_private_key *priv,
			const struct seal_binding *binding,
			const unsigned char *data, size_t size,
			struct seal_secrets *secrets_r, const char **error_r)
{
	unsigned char aad[SEAL_AAD_MAX], plain[SEAL_PLAIN_SIZE];
	size_t aad_size;
	int ret;

	seal_secrets_wipe(secrets_r);
	if (seal_binding_encode(binding, aad, &aad_size, error_r) < 0 ||
	    seal_check_frame(data, size, error_r) < 0 ||
	    seal_check_key(priv, data, error_r) < 0)
		return -1;

	ret = seal_hpke_open(priv, data + ENC_OFFSET, seal_info_span,
		(struct seal_span){ aad, aad_size },
		(struct seal_span){ data + SEAL_HEADER_SIZE,
				    size - SEAL_HEADER_SIZE }, 0,
		plain, error_r);
	if (ret == 0)
		ret = seal_secrets_decode(plain, secrets_r, error_r);
	OPENSSL_cleanse(plain, sizeof(plain));
	return ret;
}

int sealed_request_key_id(const unsigned char *data, size_t size,
			  unsigned char id_r[SEAL_KEY_ID_SIZE],
			  const char **error_r)
{
	memset(id_r, 0, SEAL_KEY_ID_SIZE);
	if (seal_check_frame(data, size, error_r) < 0)
		return -1;
	memcpy(id_r, data + KEY_ID_OFFSET, SEAL_KEY_ID_SIZE);
	return 0;
}
