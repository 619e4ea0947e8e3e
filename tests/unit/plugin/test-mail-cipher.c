#include "lib.h"
#include "hex-binary.h"
#include "test-common.h"
#include "write-full.h"
#include "mail-cipher-kdf.h"
#include "test-cipher.h"

#include <fcntl.h>
#include <unistd.h>

static const size_t sizes[] = {
	1, 15, 16, 17, 65535 - 255, 65535, 65536, 65537, 5*1024*1024 + 7
};

static void check_header(int fd, struct dcrypt_public_key *pub,
			 size_t plain_size)
{
	const buffer_t *mail = test_cipher_contents(fd);
	struct mail_cipher_header header;
	const char *error;

	test_assert(mail_cipher_header_parse(mail->data, mail->used, &header,
					     &error) == 1);
	test_assert_strcmp(header.key_id, test_cipher_id(pub));
	test_assert(header.overhead == header.size + TEST_GCM_TAG_SIZE);
	test_assert(mail->used == plain_size + header.overhead);
}

/* Dovecot writes it, we read and write it, Dovecot reads it, we check it. */
static void one_way_and_back(const struct dcrypt_keypair *pair, size_t size)
{
	buffer_t *plain = test_cipher_plain(size);
	struct mail_cipher_result result;
	int fd, new_fd;

	fd = test_cipher_dovecot_write(plain, TEST_ALGORITHM,
				       IO_STREAM_ENC_INTEGRITY_AEAD, pair->pub);
	check_header(fd, pair->pub, size);
	test_assert(test_cipher_check(fd, pair->priv, &result) == 1);
	test_assert(result.plain_size == size);
	test_assert(test_cipher_check(fd, test_other_pair.priv, &result) == 0);

	new_fd = test_cipher_reencrypt(fd, pair->priv, TEST_ALGORITHM,
				       &result);
	test_assert(result.plain_size == size);
	check_header(new_fd, test_other_pair.pub, size);
	test_assert(test_cipher_dovecot_reads(new_fd, test_other_pair.priv,
					      plain));
	test_assert(test_cipher_check(new_fd, test_other_pair.priv,
				      &result) == 1);
	test_assert(test_cipher_check(new_fd, pair->priv, &result) == 0);
	buffer_free(&plain);
	i_close_fd(&fd);
	i_close_fd(&new_fd);
}

static void test_mail_cipher_sizes(void)
{
	unsigned int i;

	test_begin("mail cipher: of all sizes, both ways");
	for (i = 0; i < N_ELEMENTS(sizes); i++) T_BEGIN {
		one_way_and_back(&test_pair, sizes[i]);
	} T_END;
	test_end();
}

static void test_mail_cipher_curves(void)
{
	static const char *const curves[] = {
		"secp384r1", "secp521r1", "brainpoolP256r1", "X25519"
	};
	struct dcrypt_keypair pair;
	unsigned int i;

	test_begin("mail cipher: from keys on other curves");
	for (i = 0; i < N_ELEMENTS(curves); i++) T_BEGIN {
		test_cipher_pair(curves[i], &pair);
		one_way_and_back(&pair, 1000);
		dcrypt_keypair_unref(&pair);
	} T_END;
	test_end();
}

static void write_in_the_clear(const struct dcrypt_keypair *pair, size_t size)
{
	buffer_t *plain = test_cipher_plain(size);
	int fd = test_cipher_file(plain->data, size);
	int out = test_cipher_file("", 0);
	struct mail_cipher_input input = { .fd = fd, .size = size };
	struct mail_cipher_result result;
	const char *error;

	test_assert(mail_cipher_encrypt(&input, "AES-256-GCM-sha256",
					pair->pub, out, &result, &error) == 0);
	test_assert(result.plain_size == size);
	if (size == 0) {
		test_assert(result.stored_size == 0);
	} else {
		check_header(out, pair->pub, size);
	}
	test_assert(result.stored_size == test_cipher_contents(out)->used);
	test_assert(test_cipher_dovecot_reads(out, pair->priv, plain));
	buffer_free(&plain);
	i_close_fd(&fd);
	i_close_fd(&out);
}

static void test_mail_cipher_encrypt(void)
{
	static const char *const curves[] = { "secp521r1", "X25519" };
	struct dcrypt_keypair pair;
	unsigned int i;

	test_begin("mail cipher: what was in the clear");
	write_in_the_clear(&test_pair, 0);
	for (i = 0; i < N_ELEMENTS(sizes); i++) T_BEGIN {
		write_in_the_clear(&test_pair, sizes[i]);
	} T_END;
	for (i = 0; i < N_ELEMENTS(curves); i++) {
		test_cipher_pair(curves[i], &pair);
		write_in_the_clear(&pair, 100);
		dcrypt_keypair_unref(&pair);
	}
	test_end();
}

/* PBKDF2 is done once: else a small mail costs twice as much. */
static void test_mail_cipher_rounds(void)
{
	buffer_t *plain = test_cipher_plain(10);
	struct mail_cipher_result result;
	const buffer_t *mail;
	int fd, new_fd;

	test_begin("mail cipher: rounds of PBKDF2");
	fd = test_cipher_dovecot_write(plain, TEST_ALGORITHM,
				       IO_STREAM_ENC_INTEGRITY_AEAD,
				       test_pair.pub);
	mail = test_cipher_contents(fd);
	test_assert_strcmp(binary_to_hex(CONST_PTR_OFFSET(mail->data, 40), 4),
			   "00000800");
	new_fd = test_cipher_reencrypt(fd, test_pair.priv, TEST_ALGORITHM,
				       &result);
	mail = test_cipher_contents(new_fd);
	test_assert_strcmp(binary_to_hex(CONST_PTR_OFFSET(mail->data, 40), 4),
			   "00000001");
	buffer_free(&plain);
	i_close_fd(&fd);
	i_close_fd(&new_fd);
	test_end();
}

static void test_mail_cipher_parts_of_files(void)
{
	static const char before[] = "what stands before", after[] = "after";
	buffer_t *plain = test_cipher_plain(70000);
	buffer_t *mail;
	struct mail_cipher_input input = { .offset = strlen(before) };
	struct mail_cipher_result result;
	const char *error;
	unsigned int i;
	int fd, out;

	test_begin("mail cipher: parts of files");
	fd = test_cipher_dovecot_write(plain, TEST_ALGORITHM,
				       IO_STREAM_ENC_INTEGRITY_AEAD,
				       test_pair.pub);
	mail = test_cipher_contents(fd);
	i_close_fd(&fd);
	input.size = mail->used;
	buffer_insert(mail, 0, before, strlen(before));
	buffer_append(mail, after, strlen(after));
	input.fd = test_cipher_file(mail->data, mail->used);

	for (i = 0; i < 2; i++) {
		out = test_cipher_file(before, strlen(before));
		test_assert(mail_cipher_reencrypt(&input, test_pair.priv,
			i == 0 ? TEST_ALGORITHM : "aes-128-gcm-sha256",
			test_pair.pub, out, &result, &error) == 0);
		/* and there it goes on */
		if (write_full(out, after, strlen(after)) < 0)
			i_fatal("write(memfd) failed: %m");
		mail = test_cipher_contents(out);
		test_assert(memcmp(mail->data, before, strlen(before)) == 0);
		test_assert(mail->used == strlen(before) +
			    result.stored_size + strlen(after));
		i_close_fd(&out);
		out = test_cipher_file(CONST_PTR_OFFSET(mail->data,
							strlen(before)),
				       result.stored_size);
		test_assert(test_cipher_dovecot_reads(out, test_pair.priv,
						      plain));
		i_close_fd(&out);
	}
	buffer_free(&plain);
	i_close_fd(&input.fd);
	test_end();
}

static void test_mail_cipher_io_errors(void)
{
	buffer_t *plain = test_cipher_plain(200000);
	struct mail_cipher_input input = { .size = plain->used };
	struct mail_cipher_result result;
	const char *error;
	unsigned int i;
	int full;

	test_begin("mail cipher: files that cannot be read or written");
	input.fd = test_cipher_file(plain->data, plain->used);
	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	for (i = 0; i < 2; i++) {
		test_assert(mail_cipher_encrypt(&input,
			i == 0 ? TEST_ALGORITHM : "aes-128-gcm-sha256",
			test_pair.pub, full, &result, &error) == -1);
		test_assert(strstr(error, "No space left") != NULL);
	}
	test_assert(mail_cipher_encrypt(&input, "rot-13-sha256",
					test_pair.pub, full, &result,
					&error) == -1);
	i_close_fd(&full);
	i_close_fd(&input.fd);

	input.fd = open("/", O_RDONLY | O_CLOEXEC);
	test_assert(mail_cipher_check(&input, test_pair.priv, &result,
				      &error) == -1);
	i_close_fd(&input.fd);
	buffer_free(&plain);
	test_end();
}

static void test_mail_cipher_pbkdf2(void)
{
	static const unsigned int rounds[] = { 1, 2, 3, 2048 };
	static const unsigned int secret_sizes[] = { 0, 32, 64, 65, 128 };
	buffer_t *bytes = test_cipher_plain(128);
	unsigned char result[80];
	buffer_t *expected;
	const char *error;
	unsigned int i, j;

	test_begin("mail cipher: PBKDF2 is Dovecot's");
	for (i = 0; i < N_ELEMENTS(rounds); i++) {
		for (j = 0; j < N_ELEMENTS(secret_sizes); j++) {
			expected = t_buffer_create(sizeof(result));
			if (!dcrypt_pbkdf2(bytes->data, secret_sizes[j],
					   bytes->data, 65, "sha256",
					   rounds[i], expected, sizeof(result),
					   &error))
				i_fatal("dcrypt_pbkdf2() failed: %s", error);
			mail_cipher_pbkdf2(bytes->data, secret_sizes[j],
					   bytes->data, 65, rounds[i],
					   result, sizeof(result));
			test_assert(memcmp(result, expected->data,
					   sizeof(result)) == 0);
		}
	}
	buffer_free(&bytes);
	test_end();
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_mail_cipher_pbkdf2,
		test_mail_cipher_sizes,
		test_mail_cipher_curves,
		test_mail_cipher_encrypt,
		test_mail_cipher_rounds,
		test_mail_cipher_parts_of_files,
		test_mail_cipher_io_errors,
		NULL
	};
	return test_cipher_run(tests);
}
