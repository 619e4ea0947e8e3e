#include "lib.h"
#include "hex-binary.h"
#include "test-common.h"
#include "test-cipher.h"

#include <unistd.h>

/* What Dovecot can write, but by default does not. */
static const struct {
	const char *algorithm;
	enum io_stream_encrypt_flags flags;
	/* mail_crypt would write it so */
	bool writable;
} kinds[] = {
	{ "aes-128-gcm-sha256", IO_STREAM_ENC_INTEGRITY_AEAD, TRUE },
	{ "aes-256-gcm-sha512", IO_STREAM_ENC_INTEGRITY_AEAD, TRUE },
	{ "aes-256-gcm-sha256", IO_STREAM_ENC_INTEGRITY_AEAD |
	  IO_STREAM_ENC_SAME_CALG, FALSE },
	{ "chacha20-poly1305-sha256", IO_STREAM_ENC_INTEGRITY_HMAC, TRUE },
	{ "aes-256-cbc-sha256", IO_STREAM_ENC_INTEGRITY_HMAC, FALSE },
	{ "aes-256-cbc-sha512", IO_STREAM_ENC_INTEGRITY_HMAC, FALSE },
	{ "aes-256-ofb-sha1", IO_STREAM_ENC_INTEGRITY_HMAC, FALSE },
	{ "aes-256-ofb-sha256", IO_STREAM_ENC_INTEGRITY_NONE, FALSE },
};

/* Shorter ones without MAC Dovecot takes for cut off. */
#define MIN_SIZE_WITHOUT_MAC 17

static const size_t sizes[] = {
	1, 16, 33, 8192, 200000
};

/* Version 1 names keys in another way. */
static const char *old_id(struct dcrypt_public_key *pub)
{
	buffer_t *id = t_buffer_create(64);
	const char *error;

	if (!dcrypt_key_id_public_old(pub, id, &error))
		i_fatal("dcrypt_key_id_public_old() failed: %s", error);
	return binary_to_hex(id->data, id->used);
}

static void read_and_write(const struct dcrypt_keypair *pair,
			   const char *algorithm,
			   enum io_stream_encrypt_flags flags,
			   const char *write_algorithm, size_t size)
{
	buffer_t *plain = test_cipher_plain(size);
	struct mail_cipher_result result;
	struct mail_cipher_header header;
	const buffer_t *mail;
	const char *error;
	int fd, new_fd;

	fd = test_cipher_dovecot_write(plain, algorithm, flags, pair->pub);
	if (fd == -1)
		i_fatal("Dovecot cannot write %s", algorithm);
	mail = test_cipher_contents(fd);
	test_assert(mail_cipher_header_parse(mail->data, mail->used, &header,
					     &error) == 1);
	test_assert_strcmp(header.key_id, flags == IO_STREAM_ENC_VERSION_1 ?
			   old_id(pair->pub) : test_cipher_id(pair->pub));
	test_assert(header.overhead == 0 ||
		    header.overhead == mail->used - size);
	test_assert(test_cipher_check(fd, pair->priv, &result) == 1);
	test_assert(result.plain_size == size);
	test_assert(test_cipher_check(fd, test_other_pair.priv, &result) == 0);

	new_fd = test_cipher_reencrypt(fd, pair->priv, write_algorithm,
				       &result);
	test_assert(new_fd != -1 && result.plain_size == size);
	test_assert(test_cipher_dovecot_reads(new_fd, test_other_pair.priv,
					      plain));
	test_assert(test_cipher_check(new_fd, test_other_pair.priv,
				      &result) == 1);
	buffer_free(&plain);
	i_close_fd(&fd);
	i_close_fd(&new_fd);
}

static void test_mail_cipher_kinds(void)
{
	unsigned int i, j;

	test_begin("mail cipher: other ciphers and digests");
	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		for (j = 0; j < N_ELEMENTS(sizes); j++) T_BEGIN {
			if (kinds[i].flags != IO_STREAM_ENC_INTEGRITY_NONE ||
			    sizes[j] >= MIN_SIZE_WITHOUT_MAC) {
				read_and_write(&test_pair, kinds[i].algorithm,
					       kinds[i].flags,
					       kinds[i].writable ?
					       kinds[i].algorithm :
					       TEST_ALGORITHM, sizes[j]);
			}
		} T_END;
	}
	test_end();
}

static void test_mail_cipher_version_1(void)
{
	static const char *const curves[] = { "prime256v1", "secp521r1" };
	struct dcrypt_keypair pair;
	unsigned int i, j;

	test_begin("mail cipher: version 1");
	for (i = 0; i < N_ELEMENTS(curves); i++) {
		test_cipher_pair(curves[i], &pair);
		for (j = 0; j < N_ELEMENTS(sizes); j++) T_BEGIN {
			read_and_write(&pair, TEST_ALGORITHM,
				       IO_STREAM_ENC_VERSION_1, TEST_ALGORITHM,
				       sizes[j]);
		} T_END;
		dcrypt_keypair_unref(&pair);
	}
	test_end();
}

static void test_mail_cipher_rsa(void)
{
	buffer_t *plain = test_cipher_plain(1000);
	struct dcrypt_keypair pair;
	struct mail_cipher_input input = { .size = plain->used };
	struct mail_cipher_result result;
	const char *error;
	int out;

	test_begin("mail cipher: RSA keys");
	if (!dcrypt_keypair_generate(&pair, DCRYPT_KEY_RSA, 2048, NULL,
				     &error))
		i_fatal("dcrypt_keypair_generate() failed: %s", error);
	read_and_write(&pair, TEST_ALGORITHM, IO_STREAM_ENC_INTEGRITY_AEAD,
		       TEST_ALGORITHM, 1000);

	input.fd = test_cipher_file(plain->data, plain->used);
	out = test_cipher_file("", 0);
	test_assert(mail_cipher_encrypt(&input, TEST_ALGORITHM, pair.pub, out,
					&result, &error) == 0);
	test_assert(test_cipher_dovecot_reads(out, pair.priv, plain));
	dcrypt_keypair_unref(&pair);
	buffer_free(&plain);
	i_close_fd(&input.fd);
	i_close_fd(&out);
	test_end();
}

/* Dovecot itself crashes on these. */
static void test_mail_cipher_unwritable(void)
{
	static const char *const algorithms[] = {
		"aes-256-cbc-sha256", "aes-256-ctr-sha256", "aes-256-gcm",
		"aes", "", "-", "chacha20-poly1305-"
	};
	struct mail_cipher_input input = { .size = 5 };
	struct mail_cipher_result result;
	const char *error;
	unsigned int i;
	int out;

	test_begin("mail cipher: algorithms that cannot be written");
	input.fd = test_cipher_file("plain", input.size);
	for (i = 0; i < N_ELEMENTS(algorithms); i++) {
		out = test_cipher_file("", 0);
		error = NULL;
		test_assert_idx(mail_cipher_encrypt(&input, algorithms[i],
						    test_pair.pub, out,
						    &result, &error) == -1 &&
				error != NULL, i);
		i_close_fd(&out);
	}
	i_close_fd(&input.fd);
	test_end();
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_mail_cipher_kinds,
		test_mail_cipher_version_1,
		test_mail_cipher_rsa,
		test_mail_cipher_unwritable,
		NULL
	};
	return test_cipher_run(tests);
}
