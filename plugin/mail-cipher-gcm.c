#include "lib.h"
#include "buffer.h"
#include "dcrypt.h"
#include "mail-cipher-private.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define ALGORITHM "aes-256-gcm-sha256"

/* Made when first needed: to find an algorithm takes longer than to use it. */
static struct {
	EVP_CIPHER *gcm;
	EVP_CIPHER_CTX *source_ctx, *sink_ctx;
} kept;

static int kept_init(const char **error_r)
{
	if (kept.gcm == NULL)
		kept.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (kept.source_ctx == NULL)
		kept.source_ctx = EVP_CIPHER_CTX_new();
	if (kept.sink_ctx == NULL)
		kept.sink_ctx = EVP_CIPHER_CTX_new();
	if (kept.gcm == NULL || kept.source_ctx == NULL ||
	    kept.sink_ctx == NULL) {
		return mail_cipher_failed("EVP_CIPHER_fetch(AES-256-GCM)",
					  error_r);
	}
	return 0;
}

void mail_cipher_gcm_deinit(void)
{
	EVP_CIPHER_CTX_free(kept.source_ctx);
	EVP_CIPHER_CTX_free(kept.sink_ctx);
	EVP_CIPHER_free(kept.gcm);
	i_zero(&kept);
}

bool mail_cipher_gcm_writes(const char *algorithm,
			    struct dcrypt_public_key *pub)
{
	return strcasecmp(algorithm, ALGORITHM) == 0 &&
		dcrypt_key_type_public(pub) == DCRYPT_KEY_EC;
}

static int gcm_begin(EVP_CIPHER_CTX *ctx, bool encrypt,
		     const unsigned char data[MAIL_CIPHER_KEY_DATA_SIZE],
		     const char **error_r)
{
	const unsigned char *iv = data + MAIL_CIPHER_KEY_SIZE;
	const unsigned char *aad = iv + MAIL_CIPHER_IV_SIZE;
	int len;

	if (EVP_CipherInit_ex2(ctx, kept.gcm, data, iv, encrypt ? 1 : 0,
			       NULL) != 1 ||
	    EVP_CipherUpdate(ctx, NULL, &len, aad, MAIL_CIPHER_TAG_SIZE) != 1)
		return mail_cipher_failed("EVP_CipherInit_ex2()", error_r);
	return 0;
}

/* ---- source */

static int gcm_source_finish(struct mail_cipher_source *source,
			     const char **error_r)
{
	unsigned char none[1];
	int len;

	if (EVP_CIPHER_CTX_ctrl(kept.source_ctx, EVP_CTRL_AEAD_SET_TAG,
				sizeof(source->tag), source->tag) != 1 ||
	    EVP_DecryptFinal_ex(kept.source_ctx, none, &len) != 1) {
		ERR_clear_error();
		*error_r = "it is damaged: its tag does not match";
		source->damaged = TRUE;
		return -1;
	}
	return 0;
}

static int gcm_source_next(struct mail_cipher_source *source,
			   const unsigned char **data_r, size_t *size_r,
			   const char **error_r)
{
	unsigned char *data;
	int len;

	if (source->block_start == source->block_end) {
		if (source->offset == source->end_offset)
			return gcm_source_finish(source, error_r);
		source->block_start = 0;
		source->block_end = I_MIN(source->end_offset - source->offset,
					  MAIL_CIPHER_BLOCK_SIZE);
		if (mail_cipher_source_read(source, source->offset,
					    source->block, source->block_end,
					    error_r) < 0)
			return -1;
		source->offset += source->block_end;
	}
	data = source->block + source->block_start;
	*size_r = source->block_end - source->block_start;
	if (EVP_DecryptUpdate(kept.source_ctx, data, &len, data,
			      (int)*size_r) != 1 || (size_t)len != *size_r)
		return mail_cipher_failed("EVP_DecryptUpdate()", error_r);
	source->block_start = source->block_end;
	*data_r = data;
	return 1;
}

static void gcm_source_close(struct mail_cipher_source *source ATTR_UNUSED)
{
	(void)EVP_CIPHER_CTX_reset(kept.source_ctx);
}

/* Leaves in the block only what is to be decrypted. */
static int gcm_source_begin(struct mail_cipher_source *source,
			    const struct mail_cipher_header *header,
			    const char **error_r)
{
	if (source->input->size < header->size + MAIL_CIPHER_TAG_SIZE) {
		*error_r = "it is cut off";
		source->damaged = TRUE;
		return -1;
	}
	source->end_offset = source->input->size - MAIL_CIPHER_TAG_SIZE;
	source->block_start = header->size;
	source->block_end = I_MIN(source->offset, source->end_offset);
	if (source->offset == source->input->size) {
		memcpy(source->tag, source->block + source->block_end,
		       sizeof(source->tag));
	} else if (mail_cipher_source_read(source, source->end_offset,
					   source->tag, sizeof(source->tag),
					   error_r) < 0) {
		return -1;
	}
	source->offset = source->block_end;
	return 0;
}

int mail_cipher_gcm_source_open(struct mail_cipher_source *source,
				const struct mail_cipher_header *header,
				const struct mail_cipher_envelope *envelope,
				struct dcrypt_private_key *key,
				const char **error_r)
{
	unsigned char data[MAIL_CIPHER_KEY_DATA_SIZE];
	int ret;

	if (kept_init(error_r) < 0)
		return -1;
	T_BEGIN {
		ret = mail_cipher_key_data_open(envelope, key, data, error_r);
	} T_END_PASS_STR_IF(ret < 0, error_r);
	if (ret == 0 && source->check_hash)
		ret = mail_cipher_key_data_check(envelope, data, error_r);
	if (ret < 0) {
		OPENSSL_cleanse(data, sizeof(data));
		source->damaged = TRUE;
		return -1;
	}
	source->next = gcm_source_next;
	source->close = gcm_source_close;
	ret = gcm_begin(kept.source_ctx, FALSE, data, error_r);
	OPENSSL_cleanse(data, sizeof(data));
	if (ret == 0)
		ret = gcm_source_begin(source, header, error_r);
	return ret;
}

/* ---- sink */

static int gcm_sink_begin(struct mail_cipher_sink *sink, const char **error_r)
{
	unsigned char data[MAIL_CIPHER_KEY_DATA_SIZE];
	int ret;

	sink->begun = TRUE;
	/* each process its own numbers, also after fork() */
	if (RAND_priv_bytes(data, sizeof(data)) != 1)
		return mail_cipher_failed("RAND_priv_bytes()", error_r);
	T_BEGIN {
		ret = mail_cipher_key_data_seal(data, sink->pub, &sink->buffer,
						error_r);
	} T_END_PASS_STR_IF(ret < 0, error_r);
	if (ret == 0)
		ret = gcm_begin(kept.sink_ctx, TRUE, data, error_r);
	OPENSSL_cleanse(data, sizeof(data));
	return ret;
}

static int gcm_sink_add(struct mail_cipher_sink *sink,
			const unsigned char *data, size_t size,
			const char **error_r)
{
	unsigned char *out;
	size_t part;
	int len;

	if (!sink->begun && gcm_sink_begin(sink, error_r) < 0)
		return -1;
	while (size > 0) {
		part = I_MIN(size, MAIL_CIPHER_BLOCK_SIZE - sink->buffer.used);
		out = buffer_append_space_unsafe(&sink->buffer, part);
		if (EVP_EncryptUpdate(kept.sink_ctx, out, &len, data,
				      (int)part) != 1 || (size_t)len != part)
			return mail_cipher_failed("EVP_EncryptUpdate()",
						  error_r);
		data += part;
		size -= part;
		if (sink->buffer.used == MAIL_CIPHER_BLOCK_SIZE &&
		    mail_cipher_sink_flush(sink, error_r) < 0)
			return -1;
	}
	return 0;
}

static int gcm_sink_finish(struct mail_cipher_sink *sink, const char **error_r)
{
	unsigned char tag[MAIL_CIPHER_TAG_SIZE];
	int len;

	/* a header alone is not what Dovecot's reader expects: as its writer
	   does, nothing remains nothing */
	if (!sink->begun)
		return 0;
	if (EVP_EncryptFinal_ex(kept.sink_ctx, tag, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(kept.sink_ctx, EVP_CTRL_AEAD_GET_TAG,
				sizeof(tag), tag) != 1)
		return mail_cipher_failed("EVP_EncryptFinal_ex()", error_r);
	buffer_append(&sink->buffer, tag, sizeof(tag));
	return mail_cipher_sink_flush(sink, error_r);
}

static void gcm_sink_close(struct mail_cipher_sink *sink ATTR_UNUSED)
{
	(void)EVP_CIPHER_CTX_reset(kept.sink_ctx);
}

int mail_cipher_gcm_sink_open(struct mail_cipher_sink *sink,
			      struct dcrypt_public_key *pub,
			      const char **error_r)
{
	if (kept_init(error_r) < 0)
		return -1;
	sink->pub = pub;
	sink->add = gcm_sink_add;
	sink->finish = gcm_sink_finish;
	sink->close = gcm_sink_close;
	return 0;
}
