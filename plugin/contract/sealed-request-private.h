#ifndef SEALED_REQUEST_PRIVATE_H
#define SEALED_REQUEST_PRIVATE_H

/* What the files behind sealed-request.h share, and the seam its tests use:
   published HPKE vectors run through the same calls as our own seals. Not for
   anyone else. Return values and wiping as in sealed-request.h. */

#include "sealed-request.h"

#define SEAL_MAGIC "PMSR"
#define SEAL_MAGIC_LEN 4
#define SEAL_VERSION 1

#define SEAL_ENC_SIZE 32
#define SEAL_TAG_SIZE 16
#define SEAL_PLAIN_SIZE 1600
#define SEAL_HEADER_SIZE \
	(SEAL_MAGIC_LEN + 1 + SEAL_KEY_ID_SIZE + SEAL_ENC_SIZE)
#define SEAL_SIZE (SEAL_HEADER_SIZE + SEAL_PLAIN_SIZE + SEAL_TAG_SIZE)

/* Longest additional data: version, kind, address, request id, created. */
#define SEAL_AAD_MAX \
	(1 + 2 + 16 + 2 + SEAL_ADDRESS_MAX + 2 + SEAL_REQUEST_ID_LEN + 8)

#define SEAL_ERROR_CRYPTO "libcrypto failed"
#define SEAL_ERROR_RANDOM "libcrypto has no random numbers"
#define SEAL_ERROR_DOES_NOT_OPEN \
	"does not open: damaged, or sealed for another request"

struct seal_span {
	const unsigned char *data;
	size_t size;
};

/* HPKE base mode with the suite of sealed-request.h, one message. cipher_r
   has room for the plaintext and SEAL_TAG_SIZE bytes. A non-empty ikm_e is
   what the ephemeral key is derived from (RFC 9180 DeriveKeyPair): for tests
   only, it makes the seal as secret as ikm_e is. */
int seal_hpke_seal(const struct seal_public_key *pub, struct seal_span info,
		   struct seal_span aad, struct seal_span plain,
		   struct seal_span ikm_e, unsigned char enc_r[SEAL_ENC_SIZE],
		   unsigned char *cipher_r, const char **error_r);

/* Opens the message number seq (ours is 0) of what enc encapsulates. plain_r
   has room for the ciphertext without its tag. */
int seal_hpke_open(const struct seal_private_key *priv,
		   const unsigned char enc[SEAL_ENC_SIZE],
		   struct seal_span info, struct seal_span aad,
		   struct seal_span cipher, uint64_t seq,
		   unsigned char *plain_r, const char **error_r);

int seal_key_id(const struct seal_public_key *pub,
		unsigned char id_r[SEAL_KEY_ID_SIZE], const char **error_r);

/* Checks the binding and writes its additional data. */
int seal_binding_encode(const struct seal_binding *binding,
			unsigned char aad_r[SEAL_AAD_MAX], size_t *size_r,
			const char **error_r);

int seal_secrets_encode(const struct seal_secrets *secrets,
			unsigned char plain_r[SEAL_PLAIN_SIZE],
			const char **error_r);
int seal_secrets_decode(const unsigned char plain[SEAL_PLAIN_SIZE],
			struct seal_secrets *secrets_r, const char **error_r);

#endif
