#ifndef SEALED_REQUEST_H
#define SEALED_REQUEST_H

/* The secrets of a request, sealed by whoever files it to the public key of
   the Dovecot host, which alone can open them. HPKE (RFC 9180) in base mode:
   DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, from OpenSSL.

   The format is documented below the prototypes. Plain C11 and libcrypto, no
   I/O but OpenSSL's random numbers; any thread. Functions return 0, or -1 with
   a static text in *error_r, which never holds a secret. On failure outputs
   are wiped. What they put on the stack or the heap is wiped when they return,
   and the thread's OpenSSL error queue is as they found it. */

#include <stddef.h>
#include <stdint.h>

#include "request-state.h"

/* An X25519 key, raw (RFC 7748). */
#define SEAL_KEY_SIZE 32
/* Key id: the first bytes of SHA-256 over the public key. */
#define SEAL_KEY_ID_SIZE 8
/* A request id: 128 random bits, as 32 lower case hex digits. */
#define SEAL_REQUEST_ID_LEN 32

/* Longest values in bytes, without the terminating NUL. */
#define SEAL_ADDRESS_MAX 254
#define SEAL_PASSWORD_MAX 512
#define SEAL_HASH_MAX 512

/* No sealed request of any version is longer than this. */
#define SEALED_REQUEST_MAX 2048

struct seal_private_key {
	unsigned char bytes[SEAL_KEY_SIZE];
};

struct seal_public_key {
	unsigned char bytes[SEAL_KEY_SIZE];
};

/* What the seal is bound to: any other value fails to open it. */
struct seal_binding {
	enum request_kind kind;
	/* The mailbox's address as in pymailadmin_mailbox. */
	const char *address;
	/* SEAL_REQUEST_ID_LEN hex digits. */
	const char *request_id;
	/* Seconds since the epoch, the row's created_at. */
	uint64_t created;
};

/* The plaintext. An unused field is the empty string: create has no
   old_password. Wipe it with seal_secrets_wipe(). */
struct seal_secrets {
	char old_password[SEAL_PASSWORD_MAX + 1];
	char new_password[SEAL_PASSWORD_MAX + 1];
	/* With the {SCHEME} prefix Dovecot verifies it by. */
	char new_hash[SEAL_HASH_MAX + 1];
};

int seal_keygen(struct seal_private_key *priv_r, struct seal_public_key *pub_r,
		const char **error_r);
int seal_private_to_public(const struct seal_private_key *priv,
			   struct seal_public_key *pub_r, const char **error_r);
/* All zeros if libcrypto fails, which is no key's id. */
void seal_public_key_id(const struct seal_public_key *pub,
			unsigned char id_r[SEAL_KEY_ID_SIZE]);

/* Keys as one line of text, without newline: "pymailadmin-seal-private:1:" or
   "pymailadmin-seal-public:1:" and 64 lower case hex digits. Buffers below
   hold the text and its NUL; writing them always succeeds. Parsing accepts one
   trailing newline and nothing else. */
#define SEAL_KEY_TEXT_SIZE 96
int seal_private_key_to_text(const struct seal_private_key *priv,
			     char text_r[SEAL_KEY_TEXT_SIZE]);
int seal_public_key_to_text(const struct seal_public_key *pub,
			    char text_r[SEAL_KEY_TEXT_SIZE]);
int seal_private_key_parse(const char *text, struct seal_private_key *priv_r,
			   const char **error_r);
int seal_public_key_parse(const char *text, struct seal_public_key *pub_r,
			  const char **error_r);

/* Makes a new random request id. */
int seal_request_id_generate(char id_r[SEAL_REQUEST_ID_LEN + 1],
			     const char **error_r);

/* Seals secrets into out_r, which has room for SEALED_REQUEST_MAX bytes. The
   length does not tell how long the passwords are: the plaintext is padded.
   Fails if the binding or the secrets are not as said above: an address that
   is empty or too long, a malformed request id, a value without its NUL. Which
   fields a kind of request needs is for the caller to know. */
int sealed_request_seal(const struct seal_public_key *pub,
			const struct seal_binding *binding,
			const struct seal_secrets *secrets,
			unsigned char out_r[SEALED_REQUEST_MAX],
			size_t *out_size_r, const char **error_r);

/* Opens what sealed_request_seal() of this or an older version made. The error
   tells apart what is no sealed request, what a newer version sealed, what is
   sealed to another key, what does not open (damaged, or the binding is not
   the one it was sealed with), and what opens but was not made by
   sealed_request_seal(). Size 0 with data NULL is no sealed request. */
int sealed_request_open(const struct seal_private_key *priv,
			const struct seal_binding *binding,
			const unsigned char *data, size_t size,
			struct seal_secrets *secrets_r, const char **error_r);

/* The id of the key a sealed request is for, without opening it. */
int sealed_request_key_id(const unsigned char *data, size_t size,
			  unsigned char id_r[SEAL_KEY_ID_SIZE],
			  const char **error_r);

void seal_private_key_wipe(struct seal_private_key *priv);
void seal_secrets_wipe(struct seal_secrets *secrets);

/* The format. Integers are big-endian, u16 is one of two bytes.

   version 1, always 1661 bytes:

      0     4  "PMSR"
      4     1  version, 1
      5     8  key id: first bytes of SHA-256 over the public key sealed to
     13    32  enc, the encapsulated key
     45  1616  ciphertext of the plaintext, and its tag of 16 bytes

   info is "pymailadmin sealed request 1", without NUL.

   aad, so that a seal opens in no other row:
      u8  version, 1
      u16 length, then the kind's SQL name
      u16 length, then the address, byte for byte
      u16 length (32), then the request id
      u64 created

   plaintext, 1600 bytes: these fields, each once, in this order, then zeros.
      u8  field: 1 old password, 2 new password, 3 new hash
      u16 length, at most 512
      the value, without NUL

   There is one encoding for one value. A byte that deviates, in the padding
   too, makes the whole invalid. Another layout, info, or suite is another
   version; magic and version stay where they are in all of them, and the code
   that opens a version stays as long as such a row may exist. */

#endif
