#include "lib.h"
#include "buffer.h"
#include "mail-cipher-private.h"

#include <openssl/crypto.h>

static unsigned char source_block[MAIL_CIPHER_BLOCK_SIZE];
static unsigned char sink_block[MAIL_CIPHER_BLOCK_SIZE + MAIL_CIPHER_TAG_SIZE];

/* ---- source */

static int source_fill(struct mail_cipher_source *source, const char **error_r)
{
	size_t size = I_MIN(source->input->size - source->offset,
			    MAIL_CIPHER_BLOCK_SIZE);

	if (mail_cipher_source_read(source, source->offset, source->block,
				    size, error_r) < 0)
		return -1;
	source->offset += size;
	source->block_end = size;
	return 0;
}

static void source_init(struct mail_cipher_source *source,
			const struct mail_cipher_input *input)
{
	i_zero(source);
	source->input = input;
	source->block = source_block;
}

static int plain_source_next(struct mail_cipher_source *source,
			     const unsigned char **data_r, size_t *size_r,
			     const char **error_r)
{
	if (source->offset == source->input->size)
		return 0;
	if (source_fill(source, error_r) < 0)
		return -1;
	*data_r = source->block;
	*size_r = source->block_end;
	return 1;
}

static int source_open(struct mail_cipher_source *source,
		       struct dcrypt_private_key *key, const char **error_r)
{
	struct mail_cipher_envelope envelope;
	struct mail_cipher_header header;
	bool own;
	int ret;

	if (source_fill(source, error_r) < 0)
		return -1;
	ret = mail_cipher_envelope_parse(source->block, source->block_end,
					 &header, &envelope, &own, error_r);
	if (ret == 0)
		*error_r = "it is not encrypted";
	if (ret <= 0) {
		source->damaged = TRUE;
		return -1;
	}
	if (own) {
		return mail_cipher_gcm_source_open(source, &header, &envelope,
						   key, error_r);
	}
	mail_cipher_stream_source_open(source, key);
	return 0;
}

static void source_close(struct mail_cipher_source *source)
{
	if (source->close != NULL)
		source->close(source);
	OPENSSL_cleanse(source->block, I_MIN(source->input->size,
					     MAIL_CIPHER_BLOCK_SIZE));
}

/* ---- sink */

static int sink_open(struct mail_cipher_sink *sink, const char *algorithm,
		     struct dcrypt_public_key *pub, int out_fd,
		     const char **error_r)
{
	i_zero(sink);
	sink->fd = out_fd;
	/* not the macro: to gcc its check of a static array is a VLA */
	(buffer_create_from_data)(&sink->buffer, sink_block,
				  sizeof(sink_block));
	if (mail_cipher_gcm_writes(algorithm, pub))
		return mail_cipher_gcm_sink_open(sink, pub, error_r);
	return mail_cipher_stream_sink_open(sink, algorithm, pub, error_r);
}

/* ---- from one to the other */

/* sink may be NULL. */
static int copy(struct mail_cipher_source *source,
		struct mail_cipher_sink *sink,
		struct mail_cipher_result *result_r, const char **error_r)
{
	const unsigned char *data;
	size_t size;
	int ret;

	while ((ret = source->next(source, &data, &size, error_r)) > 0) {
		result_r->plain_size += size;
		if (sink != NULL && sink->add(sink, data, size, error_r) < 0)
			return -1;
	}
	if (ret == 0 && sink != NULL)
		ret = sink->finish(sink, error_r);
	result_r->stored_size = sink != NULL ? sink->stored_size :
		source->input->size;
	return ret;
}

static int copy_to_fd(struct mail_cipher_source *source, const char *algorithm,
		      struct dcrypt_public_key *pub, int out_fd,
		      struct mail_cipher_result *result_r,
		      const char **error_r)
{
	struct mail_cipher_sink sink;
	int ret;

	if (sink_open(&sink, algorithm, pub, out_fd, error_r) < 0)
		return -1;
	ret = copy(source, &sink, result_r, error_r);
	sink.close(&sink);
	return ret;
}

int mail_cipher_reencrypt(const struct mail_cipher_input *input,
			  struct dcrypt_private_key *key, const char *algorithm,
			  struct dcrypt_public_key *pub, int out_fd,
			  struct mail_cipher_result *result_r,
			  const char **error_r)
{
	struct mail_cipher_source source;
	int ret;

	i_zero(result_r);
	source_init(&source, input);
	ret = source_open(&source, key, error_r);
	if (ret == 0) {
		ret = copy_to_fd(&source, algorithm, pub, out_fd, result_r,
				 error_r);
	}
	source_close(&source);
	return ret;
}

int mail_cipher_encrypt(const struct mail_cipher_input *input,
			const char *algorithm, struct dcrypt_public_key *pub,
			int out_fd, struct mail_cipher_result *result_r,
			const char **error_r)
{
	struct mail_cipher_source source;
	int ret;

	i_zero(result_r);
	source_init(&source, input);
	source.next = plain_source_next;
	ret = copy_to_fd(&source, algorithm, pub, out_fd, result_r, error_r);
	source_close(&source);
	return ret;
}

int mail_cipher_check(const struct mail_cipher_input *input,
		      struct dcrypt_private_key *key,
		      struct mail_cipher_result *result_r,
		      const char **error_r)
{
	struct mail_cipher_source source;
	int ret;

	i_zero(result_r);
	source_init(&source, input);
	source.check_hash = TRUE;
	ret = source_open(&source, key, error_r);
	if (ret == 0)
		ret = copy(&source, NULL, result_r, error_r);
	source_close(&source);
	if (ret == 0)
		return 1;
	return source.damaged ? 0 : -1;
}

void mail_cipher_deinit(void)
{
	mail_cipher_gcm_deinit();
	mail_cipher_key_data_deinit();
}
