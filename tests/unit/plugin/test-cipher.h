#ifndef TEST_CIPHER_H
#define TEST_CIPHER_H

/* Encrypted mails in unnamed files, written and read by Dovecot's streams. */

#include "buffer.h"
#include "dcrypt.h"
#include "dcrypt-iostream.h"
#include "mail-cipher.h"

#define TEST_ALGORITHM "aes-256-gcm-sha256"
#define TEST_GCM_TAG_SIZE 16

/* Keys on prime256v1. */
extern struct dcrypt_keypair test_pair, test_other_pair;

/* Runs the tests in a world where dcrypt works. Returns the exit code. */
int test_cipher_run(void (*const tests[])(void));

void test_cipher_pair(const char *curve, struct dcrypt_keypair *pair_r);
/* Hex. */
const char *test_cipher_id(struct dcrypt_public_key *pub);

/* The caller closes it. */
int test_cipher_file(const void *data, size_t size);
/* From the beginning; on the data stack. */
buffer_t *test_cipher_contents(int fd);
/* So many bytes that do not repeat; the caller frees it. */
buffer_t *test_cipher_plain(size_t size);

/* What Dovecot writes. Returns the file, -1 if it cannot. */
int test_cipher_dovecot_write(const buffer_t *plain, const char *algorithm,
			      enum io_stream_encrypt_flags flags,
			      struct dcrypt_public_key *pub);
/* Does Dovecot read this from it? */
bool test_cipher_dovecot_reads(int fd, struct dcrypt_private_key *key,
			       const buffer_t *plain);

/* Calls that take the whole file. */
int test_cipher_check(int fd, struct dcrypt_private_key *key,
		      struct mail_cipher_result *result_r);
/* To test_other_pair, in a new file. Returns it, -1 if that fails. */
int test_cipher_reencrypt(int fd, struct dcrypt_private_key *key,
			  const char *algorithm,
			  struct mail_cipher_result *result_r);

#endif
