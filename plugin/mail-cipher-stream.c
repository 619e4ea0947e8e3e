#include "lib.h"
#include "randgen.h"
#include "dcrypt-iostream.h"
#include "istream.h"
#include "istream-decrypt.h"
#include "ostream.h"
#include "ostream-encrypt.h"
#include "mail-cipher-private.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

/* ---- source */

static int stream_source_next(struct mail_cipher_source *source,
			      const unsigned char **data_r, size_t *size_r,
			      const char **error_r)
{
	int ret;

	i_stream_skip(source->decrypt, source->block_end);
	source->block_end = 0;
	/* 0: less was read than a MAC has bytes */
	do {
		ret = i_stream_read_more(source->decrypt, data_r, size_r);
	} while (ret == 0);
	if (ret > 0) {
		source->block_end = *size_r;
		return 1;
	}
	if (source->decrypt->stream_errno == 0)
		return 0;
	source->damaged = source->file->stream_errno == 0;
	*error_r = t_strdup_printf("read() failed: %s",
				   i_stream_get_error(source->decrypt));
	return -1;
}

static void stream_source_close(struct mail_cipher_source *source)
{
	i_stream_unref(&source->decrypt);
	i_stream_unref(&source->file);
}

void mail_cipher_stream_source_open(struct mail_cipher_source *source,
				    struct dcrypt_private_key *key)
{
	const struct mail_cipher_input *input = source->input;
	struct istream *part;

	source->file = i_stream_create_fd(input->fd, MAIL_CIPHER_BLOCK_SIZE);
	i_stream_seek(source->file, input->offset);
	part = i_stream_create_limit(source->file, input->size);
	/* of a blocking stream that is cut off within its MAC, Dovecot's
	   reader says that there is nothing now, and i_stream_read() panics */
	part->blocking = FALSE;
	source->decrypt = i_stream_create_decrypt(part, key);
	i_stream_unref(&part);
	source->block_start = source->block_end = 0;
	source->next = stream_source_next;
	source->close = stream_source_close;
}

/* ---- sink */

/* What mail_crypt 2.4.1 makes of an algorithm, with a mistake that must be
   kept: it looks for what is not ChaCha20. */
static enum io_stream_encrypt_flags write_flags(const char *algorithm)
{
	if (strstr(algorithm, "gcm") != NULL ||
	    strstr(algorithm, "ccm") != NULL ||
	    strstr(algorithm, "chacha20-poly1305") == NULL)
		return IO_STREAM_ENC_INTEGRITY_AEAD;
	return IO_STREAM_ENC_INTEGRITY_HMAC;
}

/* For others, dcrypt writes the tag's data to where there is no memory. */
static bool cipher_authenticates(const char *algorithm)
{
	const char *p = strrchr(algorithm, '-');
	const EVP_CIPHER *cipher = p == NULL ? NULL :
		EVP_get_cipherbyname(t_strdup_until(algorithm, p));

	return cipher != NULL && (EVP_CIPHER_get_flags(cipher) &
				  EVP_CIPH_FLAG_AEAD_CIPHER) != 0;
}

static int stream_error(struct ostream *output, const char **error_r)
{
	*error_r = t_strdup_printf("write() failed: %s",
				   o_stream_get_error(output));
	return -1;
}

static int stream_sink_add(struct mail_cipher_sink *sink,
			   const unsigned char *data, size_t size,
			   const char **error_r)
{
	if (o_stream_send(sink->encrypt, data, size) != (ssize_t)size)
		return stream_error(sink->encrypt, error_r);
	return 0;
}

static int stream_sink_finish(struct mail_cipher_sink *sink,
			      const char **error_r)
{
	if (o_stream_finish(sink->encrypt) <= 0)
		return stream_error(sink->encrypt, error_r);
	if (o_stream_finish(sink->file) <= 0)
		return stream_error(sink->file, error_r);
	sink->stored_size = sink->file->offset - sink->start_offset;
	return 0;
}

static void stream_sink_close(struct mail_cipher_sink *sink)
{
	/* what is not finished is not wanted */
	o_stream_abort(sink->encrypt);
	o_stream_abort(sink->file);
	o_stream_unref(&sink->encrypt);
	o_stream_unref(&sink->file);
}

int mail_cipher_stream_sink_open(struct mail_cipher_sink *sink,
				 const char *algorithm,
				 struct dcrypt_public_key *pub,
				 const char **error_r)
{
	unsigned char inherited[RANDOM_READ_BUFFER_SIZE];
	enum io_stream_encrypt_flags flags = write_flags(algorithm);
	off_t offset;

	if (flags == IO_STREAM_ENC_INTEGRITY_AEAD &&
	    !cipher_authenticates(algorithm)) {
		*error_r = t_strdup_printf(
			"mail_crypt cannot write with algorithm %s", algorithm);
		return -1;
	}

	offset = lseek(sink->fd, 0, SEEK_CUR);
	if (offset < 0) {
		*error_r = t_strdup_printf("lseek() failed: %m");
		return -1;
	}
	/* what random_fill() keeps, other forked processes have as well */
	random_fill(inherited, sizeof(inherited));
	OPENSSL_cleanse(inherited, sizeof(inherited));

	sink->start_offset = offset;
	sink->file = o_stream_create_fd_file(sink->fd, offset, FALSE);
	sink->encrypt = o_stream_create_encrypt(sink->file, algorithm, pub,
						flags);
	o_stream_set_finish_also_parent(sink->encrypt, FALSE);
	o_stream_cork(sink->file);
	sink->add = stream_sink_add;
	sink->finish = stream_sink_finish;
	sink->close = stream_sink_close;
	if (sink->encrypt->stream_errno != 0) {
		(void)stream_error(sink->encrypt, error_r);
		stream_sink_close(sink);
		return -1;
	}
	return 0;
}
