#ifndef MAIL_CIPHER_H
#define MAIL_CIPHER_H

/* The encrypted stream that mail_crypt stores a mail as (Dovecot 2.4.1,
   src/lib-dcrypt/ostream-encrypt.c, version 2, and version 1 for reading):

   magic, version 2, flags, length of the header, OIDs of cipher and digest,
   PBKDF2 rounds, the key data, encrypted to a folder key that is named by the
   SHA-256 of its public half; then the ciphertext and its tag.

   What Dovecot writes by default (AES-256-GCM, SHA-256, a key on a curve) is
   read and written here through libcrypto, all else through Dovecot's streams.
   What is written here has PBKDF2 done once instead of 2,048 times: the input
   is no password but an ECDH secret of 256 random bits. Dovecot reads the
   count from the header.

   A mail of no bytes is stored as no bytes, as Dovecot does: its reader takes
   a header alone for one that is cut off. Version 1 and streams without MAC
   cannot be proven whole.

   Needs crypt_key_init(). One thread; may be used after fork(). Mails of any
   size take a fixed amount of memory. */

#include "sha2.h"

struct dcrypt_private_key;
struct dcrypt_public_key;

/* A header never needs more than this to be parsed. */
#define MAIL_CIPHER_HEADER_MAX 4096

struct mail_cipher_header {
	/* Hex id of the key it is encrypted to; lower case. */
	char key_id[SHA256_RESULTLEN*2 + 1];
	/* Bytes before the ciphertext. */
	size_t size;
	/* How much longer the stored mail is than what was encrypted, or 0 if
	   only reading it tells. */
	size_t overhead;
};

/* Looks at how a mail begins. Returns 1 if it is encrypted, 0 if it is not,
   -1 if it begins like one that is and cannot be one (error_r says why): cut
   off, or of a kind nobody knows. */
int mail_cipher_header_parse(const unsigned char *data, size_t size,
			     struct mail_cipher_header *header_r,
			     const char **error_r);

/* Part of a file. */
struct mail_cipher_input {
	int fd;
	uoff_t offset, size;
};

/* What came of it. */
struct mail_cipher_result {
	/* Bytes written, and bytes of what was encrypted. */
	uoff_t stored_size, plain_size;
};

/* Decrypts input with key, to the end and with its tag checked, and encrypts
   it to pub with algorithm (crypt_write_algorithm), appending to out_fd at its
   current position. Returns 0, or -1 on error: then what was written is worth
   nothing. */
int mail_cipher_reencrypt(const struct mail_cipher_input *input,
			  struct dcrypt_private_key *key, const char *algorithm,
			  struct dcrypt_public_key *pub, int out_fd,
			  struct mail_cipher_result *result_r,
			  const char **error_r);
/* Encrypts what is in the clear. */
int mail_cipher_encrypt(const struct mail_cipher_input *input,
			const char *algorithm, struct dcrypt_public_key *pub,
			int out_fd, struct mail_cipher_result *result_r,
			const char **error_r);
/* Decrypts to nowhere. Returns 1 if it is whole and Dovecot can read it, 0 if
   not (error_r says why), -1 if the file could not be read. */
int mail_cipher_check(const struct mail_cipher_input *input,
		      struct dcrypt_private_key *key,
		      struct mail_cipher_result *result_r,
		      const char **error_r);

/* Frees what is kept from mail to mail, as long as dcrypt is there. It may be
   used again. */
void mail_cipher_deinit(void);

#endif
