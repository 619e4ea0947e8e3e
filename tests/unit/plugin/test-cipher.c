/* memfd_create() */
#define _GNU_SOURCE

#include "lib.h"
#include "hex-binary.h"
#include "istream.h"
#include "istream-decrypt.h"
#include "ostream.h"
#include "ostream-encrypt.h"
#include "test-common.h"
#include "write-full.h"
#include "crypt-key.h"
#include "test-cipher.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct dcrypt_keypair test_pair, test_other_pair;

int test_cipher_run(void (*const tests[])(void))
{
	const char *error;
	int ret;

	lib_init();
	if (crypt_key_init(&error) < 0)
		i_fatal("crypt_key_init() failed: %s", error);
	test_cipher_pair("prime256v1", &test_pair);
	test_cipher_pair("prime256v1", &test_other_pair);
	ret = test_run(tests);
	mail_cipher_deinit();
	dcrypt_keypair_unref(&test_pair);
	dcrypt_keypair_unref(&test_other_pair);
	dcrypt_deinitialize();
	lib_deinit();
	return ret;
}

void test_cipher_pair(const char *curve, struct dcrypt_keypair *pair_r)
{
	const char *error;

	if (!dcrypt_keypair_generate(pair_r, DCRYPT_KEY_EC, 0, curve, &error))
		i_fatal("dcrypt_keypair_generate(%s) failed: %s", curve, error);
}

const char *test_cipher_id(struct dcrypt_public_key *pub)
{
	buffer_t *id = t_buffer_create(64);
	const char *error;

	if (!dcrypt_key_id_public(pub, "sha256", id, &error))
		i_fatal("dcrypt_key_id_public() failed: %s", error);
	return binary_to_hex(id->data, id->used);
}

int test_cipher_file(const void *data, size_t size)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	if (fd == -1 || write_full(fd, data, size) < 0)
		i_fatal("write(memfd) failed: %m");
	return fd;
}

buffer_t *test_cipher_contents(int fd)
{
	struct istream *input = i_stream_create_fd(fd, SIZE_MAX);
	buffer_t *contents = t_buffer_create(4096);
	const unsigned char *data;
	size_t size;

	i_stream_seek(input, 0);
	while (i_stream_read_more(input, &data, &size) > 0) {
		buffer_append(contents, data, size);
		i_stream_skip(input, size);
	}
	i_stream_unref(&input);
	return contents;
}

buffer_t *test_cipher_plain(size_t size)
{
	buffer_t *plain = buffer_create_dynamic(default_pool, size + 1);
	unsigned char *p = buffer_append_space_unsafe(plain, size);
	uint32_t x = 1;

	while (size-- > 0) {
		x = x * 1664525 + 1013904223;
		*p++ = (unsigned char)(x >> 24);
	}
	return plain;
}

int test_cipher_dovecot_write(const buffer_t *plain, const char *algorithm,
			      enum io_stream_encrypt_flags flags,
			      struct dcrypt_public_key *pub)
{
	int fd = test_cipher_file("", 0);
	struct ostream *file = o_stream_create_fd_file(fd, 0, FALSE);
	struct ostream *output =
		o_stream_create_encrypt(file, algorithm, pub, flags);

	if (output->stream_errno != 0 ||
	    o_stream_send(output, plain->data, plain->used) < 0 ||
	    o_stream_finish(output) < 0) {
		o_stream_abort(output);
		i_close_fd(&fd);
	}
	o_stream_unref(&output);
	o_stream_unref(&file);
	return fd;
}

bool test_cipher_dovecot_reads(int fd, struct dcrypt_private_key *key,
			       const buffer_t *plain)
{
	struct istream *file = i_stream_create_fd(fd, IO_BLOCK_SIZE);
	struct istream *input = i_stream_create_decrypt(file, key);
	const unsigned char *data;
	size_t size, pos = 0;
	bool same = TRUE;

	while (i_stream_read_more(input, &data, &size) > 0) {
		same = same && size <= plain->used - pos &&
			memcmp(CONST_PTR_OFFSET(plain->data, pos), data,
			       size) == 0;
		pos += size;
		i_stream_skip(input, size);
	}
	same = same && input->stream_errno == 0 && pos == plain->used;
	i_stream_unref(&input);
	i_stream_unref(&file);
	return same;
}

static struct mail_cipher_input whole_file(int fd)
{
	struct mail_cipher_input input = { .fd = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		i_fatal("fstat() failed: %m");
	input.size = (uoff_t)st.st_size;
	return input;
}

int test_cipher_check(int fd, struct dcrypt_private_key *key,
		      struct mail_cipher_result *result_r)
{
	struct mail_cipher_input input = whole_file(fd);
	const char *error = NULL;
	int ret = mail_cipher_check(&input, key, result_r, &error);

	test_assert((ret > 0) == (error == NULL));
	return ret;
}

int test_cipher_reencrypt(int fd, struct dcrypt_private_key *key,
			  const char *algorithm,
			  struct mail_cipher_result *result_r)
{
	struct mail_cipher_input input = whole_file(fd);
	int out = test_cipher_file("", 0);
	const char *error = NULL;

	if (mail_cipher_reencrypt(&input, key, algorithm, test_other_pair.pub,
				  out, result_r, &error) < 0) {
		test_assert(error != NULL);
		i_close_fd(&out);
		return -1;
	}
	input = whole_file(out);
	test_assert(result_r->stored_size == input.size);
	return out;
}
