#include "lib.h"
#include "byteorder.h"
#include "test-common.h"
#include "write-full.h"
#include "test-cipher.h"

#include <unistd.h>

#define PLAIN_SIZE 40
/* Where they are in a header of version 2. */
#define FLAGS_POS 10
#define SIZE_POS 14
#define ROUNDS_POS 40
#define KEY_SIZE_POS 44
#define KEY_COUNT_POS 48
#define KEY_ID_POS 50
#define EPHEMERAL_POS 82

/* What all these mails hold. */
static const buffer_t plain_buffer = {
	.data = "What was encrypted, so and so many bytes",
	.used = PLAIN_SIZE
};
static const buffer_t *const plain = &plain_buffer;

static const struct {
	const char *algorithm;
	enum io_stream_encrypt_flags flags;
} kinds[] = {
	{ TEST_ALGORITHM, IO_STREAM_ENC_INTEGRITY_AEAD },
	{ "aes-256-cbc-sha256", IO_STREAM_ENC_INTEGRITY_HMAC },
	{ "aes-256-gcm-sha512", IO_STREAM_ENC_INTEGRITY_AEAD },
};

static buffer_t *written(unsigned int kind)
{
	int fd = test_cipher_dovecot_write(plain, kinds[kind].algorithm,
					   kinds[kind].flags, test_pair.pub);
	buffer_t *mail = test_cipher_contents(fd);

	i_close_fd(&fd);
	return mail;
}

/* As we write it, which is faster to read. */
static buffer_t *written_by_us(void)
{
	struct mail_cipher_input input = {
		.fd = test_cipher_file(plain->data, plain->used),
		.size = plain->used,
	};
	int out = test_cipher_file("", 0);
	struct mail_cipher_result result;
	const char *error;
	buffer_t *mail;

	if (mail_cipher_encrypt(&input, TEST_ALGORITHM, test_pair.pub, out,
				&result, &error) < 0)
		i_fatal("mail_cipher_encrypt() failed: %s", error);
	mail = test_cipher_contents(out);
	i_close_fd(&input.fd);
	i_close_fd(&out);
	return mail;
}

static size_t header_size(const buffer_t *mail)
{
	return be32_to_cpu_unaligned(CONST_PTR_OFFSET(mail->data, SIZE_POS));
}

static bool is_whole(const void *data, size_t size)
{
	int fd = test_cipher_file(data, size);
	struct mail_cipher_result result;
	int ret = test_cipher_check(fd, test_pair.priv, &result);

	test_assert(ret >= 0);
	i_close_fd(&fd);
	return ret > 0;
}

/* Returns FALSE if it is refused. Never may it come out as anything else than
   what was encrypted. */
static bool survives(const void *data, size_t size)
{
	int fd = test_cipher_file(data, size), new_fd;
	struct mail_cipher_result result;

	new_fd = test_cipher_reencrypt(fd, test_pair.priv, TEST_ALGORITHM,
				       &result);
	i_close_fd(&fd);
	if (new_fd == -1)
		return FALSE;
	test_assert(test_cipher_dovecot_reads(new_fd, test_other_pair.priv,
					      plain));
	i_close_fd(&new_fd);
	return TRUE;
}

static void cut_off_everywhere(const buffer_t *mail)
{
	size_t size;

	test_assert(is_whole(mail->data, mail->used));
	for (size = 0; size < mail->used; size++) T_BEGIN {
		test_assert_idx(!survives(mail->data, size), size);
	} T_END;
}

static void test_mail_cipher_cut_off(void)
{
	unsigned int i;

	test_begin("mail cipher: cut off anywhere");
	cut_off_everywhere(written_by_us());
	for (i = 1; i < N_ELEMENTS(kinds); i++)
		cut_off_everywhere(written(i));
	test_end();
}

static void test_mail_cipher_too_long(void)
{
	buffer_t *mail;
	unsigned int i;

	test_begin("mail cipher: with something behind it");
	for (i = 0; i < N_ELEMENTS(kinds); i++) T_BEGIN {
		mail = written(i);
		buffer_append_c(mail, '\n');
		test_assert_idx(!is_whole(mail->data, mail->used), i);
		test_assert_idx(!survives(mail->data, mail->used), i);
	} T_END;
	test_end();
}

/* Bytes that nobody needs. */
static bool is_idle(const buffer_t *mail, size_t pos)
{
	return (pos >= FLAGS_POS && pos < FLAGS_POS + 3) ||
		(pos >= KEY_SIZE_POS && pos < KEY_SIZE_POS + 4) ||
		/* what the tag proves as well */
		(pos >= header_size(mail) - SHA256_RESULTLEN &&
		 pos < header_size(mail)) ||
		(pos >= KEY_ID_POS && pos < KEY_ID_POS + SHA256_RESULTLEN);
}

static void flip_everywhere(buffer_t *mail, bool ours, unsigned char mask)
{
	unsigned char *data = buffer_get_modifiable_data(mail, NULL);
	bool survived;
	size_t pos;

	for (pos = 0; pos < mail->used; pos++) T_BEGIN {
		data[pos] ^= mask;
		survived = survives(data, mail->used);
		if (ours)
			test_assert_idx(survived == is_idle(mail, pos), pos);
		else
			test_assert_idx(!survived || is_idle(mail, pos), pos);
		data[pos] ^= mask;
	} T_END;
	test_assert(is_whole(mail->data, mail->used));
}

static void test_mail_cipher_flipped(void)
{
	test_begin("mail cipher: each byte changed");
	flip_everywhere(written_by_us(), TRUE, 0xff);
	flip_everywhere(written_by_us(), TRUE, 0x01);
	/* only these bits: one bit of the cipher's name makes it OFB, which the
	   MAC does not see */
	flip_everywhere(written(1), FALSE, 0xff);
	test_end();
}

/* Dovecot's reader checks it, and mails are not checked for ourselves. */
static void test_mail_cipher_key_data_hash(void)
{
	buffer_t *mail = written_by_us();
	unsigned char *data = buffer_get_modifiable_data(mail, NULL);

	test_begin("mail cipher: hash of the key data");
	data[header_size(mail) - 1] ^= 1;
	test_assert(!is_whole(data, mail->used));
	test_assert(survives(data, mail->used));
	test_end();
}

/* Combinations that make no sense, some of which crash Dovecot. */
static void with_all_flags(unsigned int kind)
{
	buffer_t *mail = written(kind);
	unsigned char *data = buffer_get_modifiable_data(mail, NULL);
	unsigned int flags;

	for (flags = 0; flags < 0x40; flags++) T_BEGIN {
		data[FLAGS_POS + 3] = (unsigned char)flags;
		if (survives(data, mail->used))
			test_assert((flags & kinds[kind].flags) != 0);
	} T_END;
}

static void test_mail_cipher_flags(void)
{
	unsigned int i;

	test_begin("mail cipher: wrong flags");
	for (i = 0; i < N_ELEMENTS(kinds); i++)
		with_all_flags(i);
	test_end();
}

static void set_be32(buffer_t *mail, size_t pos, uint32_t num)
{
	unsigned char bytes[4];

	cpu32_to_be_unaligned(num, bytes);
	buffer_write(mail, pos, bytes, sizeof(bytes));
}

static void test_mail_cipher_odd_numbers(void)
{
	static const uint32_t numbers[] = {
		0, 1, 17, 18, 254, 4096, 4097, 1024*1024 + 1, 0x7fffffff,
		0x80000000, 0xffffffef, 0xfffffff0, 0xffffffff
	};
	static const size_t positions[] = {
		SIZE_POS, ROUNDS_POS, EPHEMERAL_POS,
	};
	buffer_t *mail;
	unsigned int i, j;

	test_begin("mail cipher: numbers that cannot be");
	for (i = 0; i < N_ELEMENTS(positions); i++) {
		for (j = 0; j < N_ELEMENTS(numbers) * 2; j++) T_BEGIN {
			mail = written(j % 2);
			set_be32(mail, positions[i], numbers[j / 2]);
			test_assert_idx(!survives(mail->data, mail->used), j);
		} T_END;
	}
	mail = written(0);
	buffer_write(mail, KEY_COUNT_POS, "\0", 1);
	test_assert(!survives(mail->data, mail->used));
	buffer_write(mail, KEY_COUNT_POS, "\2", 1);
	test_assert(!survives(mail->data, mail->used));
	buffer_write(mail, KEY_COUNT_POS, "\1\1", 2);
	test_assert(!survives(mail->data, mail->used));
	test_end();
}

/* Only what comes before the ciphertext can be seen to be damaged. */
static void test_mail_cipher_version_1_damage(void)
{
	struct mail_cipher_header header;
	const char *error;
	unsigned char *data;
	buffer_t *mail;
	size_t i;
	int fd;

	test_begin("mail cipher: version 1, damaged");
	fd = test_cipher_dovecot_write(plain, TEST_ALGORITHM,
				       IO_STREAM_ENC_VERSION_1, test_pair.pub);
	mail = test_cipher_contents(fd);
	i_close_fd(&fd);
	data = buffer_get_modifiable_data(mail, NULL);
	test_assert(mail_cipher_header_parse(data, mail->used, &header,
					     &error) == 1);
	for (i = 0; i < header.size; i++) T_BEGIN {
		test_assert_idx(!survives(data, i), i);
		data[i] ^= 0xff;
		test_assert_idx(!survives(data, mail->used), i);
		data[i] ^= 0xff ^ 0x01;
		test_assert_idx(!survives(data, mail->used), i);
		data[i] ^= 0x01;
	} T_END;
	test_assert(survives(data, mail->used));
	test_end();
}

static void test_mail_cipher_not_encrypted(void)
{
	static const struct {
		const char *data;
		size_t size;
		int ret;
	} mails[] = {
		{ "", 0, 0 },
		{ "C", 1, 0 },
		{ "From: a@b\n\nCRYPTED\3\7\2", 21, 0 },
		{ "CRYPTED\3", 8, 0 },
		{ "CRYPTED\3\7", 9, -1 },
		{ "CRYPTED\3\7\0", 10, -1 },
		{ "CRYPTED\3\7\1", 10, -1 },
		{ "CRYPTED\3\7\2", 10, -1 },
		{ "CRYPTED\3\7\3", 10, -1 },
		{ "CRYPTED\3\7\2\0\0\0\2\0\0\0\x12", 18, -1 },
		{ "CRYPTED\3\7\1\0\0", 12, -1 },
	};
	struct mail_cipher_header header;
	const char *error;
	unsigned int i;

	test_begin("mail cipher: what is not encrypted, or almost");
	for (i = 0; i < N_ELEMENTS(mails); i++) {
		error = NULL;
		test_assert_idx(mail_cipher_header_parse(
			(const unsigned char *)mails[i].data, mails[i].size,
			&header, &error) == mails[i].ret, i);
		test_assert_idx((error != NULL) == (mails[i].ret < 0), i);
		test_assert_idx(!is_whole(mails[i].data, mails[i].size), i);
		test_assert_idx(!survives(mails[i].data, mails[i].size), i);
	}
	test_end();
}

/* It was as long when its size was looked up. */
static void test_mail_cipher_shrunk(void)
{
	struct mail_cipher_input input;
	struct mail_cipher_result result;
	const buffer_t *mail;
	const char *error;
	unsigned int i;

	test_begin("mail cipher: files that became shorter");
	for (i = 0; i < N_ELEMENTS(kinds); i++) T_BEGIN {
		mail = written(i);
		i_zero(&input);
		input.fd = test_cipher_file(mail->data, mail->used);
		input.size = mail->used + 1;
		test_assert(mail_cipher_check(&input, test_pair.priv, &result,
					      &error) == 0);
		input.size += 1024*1024;
		test_assert(mail_cipher_check(&input, test_pair.priv, &result,
					      &error) == 0);
		i_close_fd(&input.fd);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_mail_cipher_cut_off,
		test_mail_cipher_too_long,
		test_mail_cipher_flipped,
		test_mail_cipher_key_data_hash,
		test_mail_cipher_flags,
		test_mail_cipher_odd_numbers,
		test_mail_cipher_version_1_damage,
		test_mail_cipher_not_encrypted,
		test_mail_cipher_shrunk,
		NULL
	};
	return test_cipher_run(tests);
}
