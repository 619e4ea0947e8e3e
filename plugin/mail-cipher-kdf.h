#ifndef MAIL_CIPHER_KDF_H
#define MAIL_CIPHER_KDF_H

/* The two hash loops in the header of an encrypted mail, which are what a small
   mail costs. They run on libcrypto's compression function itself: a digest
   context costs as much again for each of 12,000 blocks a mail. */

#include "sha2.h"

/* PBKDF2 with HMAC-SHA-256 (RFC 8018). rounds is at least 1. */
void mail_cipher_pbkdf2(const unsigned char *secret, size_t secret_size,
			const unsigned char *salt, size_t salt_size,
			unsigned int rounds,
			unsigned char *out, size_t out_size);

/* The hash by which a reader sees that it got the key data right: SHA-256 of
   it, then 2,048 times SHA-256 of the last hash and the number of the round. */
void mail_cipher_key_data_hash(const unsigned char *data, size_t size,
			       unsigned char hash_r[SHA256_RESULTLEN]);

#endif
