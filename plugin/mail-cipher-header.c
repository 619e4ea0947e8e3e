#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "hex-binary.h"
#include "dcrypt.h"
#include "dcrypt-iostream.h"
#include "mail-cipher-private.h"

#include <openssl/evp.h>

#define VERSION_1 1
#define VERSION_2 2
/* Before the OIDs: magic, version, flags, size of the header. */
#define FIXED_SIZE (sizeof(IOSTREAM_CRYPT_MAGIC) + 1 + 4 + 4)
/* Dovecot writes 2,048. A damaged number must not keep us busy for hours. */
#define ROUNDS_MAX (1024*1024)

static const unsigned char oid_aes_256_gcm[] =
	{ 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e };
static const unsigned char oid_sha256[] =
	{ 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };

/* Takes size bytes from the front of rest. */
static bool take(struct cipher_bytes *rest, size_t size,
		 struct cipher_bytes *bytes_r)
{
	if (size > rest->size)
		return FALSE;
	bytes_r->data = rest->data;
	bytes_r->size = size;
	rest->data += size;
	rest->size -= size;
	return TRUE;
}

static bool take_be16(struct cipher_bytes *rest, size_t *num_r)
{
	struct cipher_bytes bytes;

	if (!take(rest, 2, &bytes))
		return FALSE;
	*num_r = be16_to_cpu_unaligned(bytes.data);
	return TRUE;
}

static bool take_be32(struct cipher_bytes *rest, uint32_t *num_r)
{
	struct cipher_bytes bytes;

	if (!take(rest, 4, &bytes))
		return FALSE;
	*num_r = be32_to_cpu_unaligned(bytes.data);
	return TRUE;
}

/* 32 bits of size, then the bytes. */
static bool take_field(struct cipher_bytes *rest, struct cipher_bytes *bytes_r)
{
	uint32_t size;

	return take_be32(rest, &size) && take(rest, size, bytes_r);
}

static bool take_oid(struct cipher_bytes *rest, struct cipher_bytes *bytes_r)
{
	if (rest->size < 2 || rest->data[0] != 0x06 || rest->data[1] > 0x7f)
		return FALSE;
	return take(rest, 2 + (size_t)rest->data[1], bytes_r);
}

static bool bytes_equal(const struct cipher_bytes *bytes,
			const unsigned char *data, size_t size)
{
	return bytes->size == size && memcmp(bytes->data, data, size) == 0;
}

static void set_key_id(struct mail_cipher_header *header,
		       const struct cipher_bytes *id)
{
	i_assert(id->size <= SHA256_RESULTLEN);
	i_strocpy(header->key_id, binary_to_hex(id->data, id->size),
		  sizeof(header->key_id));
}

/* What ended version 1: one key, AES-256-CTR and nothing that would tell
   whether all of the mail is there. */
static int parse_version_1(struct cipher_bytes rest,
			   struct mail_cipher_header *header,
			   const char **error_r)
{
	struct cipher_bytes values, value;
	size_t size;
	unsigned int i;

	if (!take_be16(&rest, &size) || !take(&rest, size, &values)) {
		*error_r = "its encryption header is cut off";
		return -1;
	}
	header->size = sizeof(IOSTREAM_CRYPT_MAGIC) + 1 + 2 + size;
	header->overhead = header->size;
	/* ephemeral key, id, hash of the key data, key data */
	for (i = 0; i < 4; i++) {
		if (!take_be16(&values, &size) || size == 0 ||
		    !take(&values, size, &value) ||
		    (i == 1 && value.size > SHA256_RESULTLEN)) {
			*error_r = "its encryption header is damaged";
			return -1;
		}
		if (i == 1)
			set_key_id(header, &value);
	}
	return 1;
}

/* Keeps from Dovecot's reader what it would crash on. */
static int check_cipher(const struct cipher_bytes *oid, uint32_t flags,
			const EVP_CIPHER **cipher_r, const char **error_r)
{
	const char *error, *name = dcrypt_oid2name(oid->data, oid->size,
						   &error);

	*cipher_r = name == NULL ? NULL : EVP_get_cipherbyname(name);
	if (*cipher_r == NULL) {
		*error_r = "its cipher is unknown";
		return -1;
	}
	if ((flags & IO_STREAM_ENC_INTEGRITY_AEAD) != 0 &&
	    (EVP_CIPHER_get_flags(*cipher_r) &
	     EVP_CIPH_FLAG_AEAD_CIPHER) == 0) {
		*error_r = "its cipher does not authenticate";
		return -1;
	}
	return 0;
}

static bool parse_key(struct cipher_bytes *rest, unsigned char *type_r,
		      struct mail_cipher_envelope *envelope)
{
	struct cipher_bytes bytes;

	if (!take(rest, 2, &bytes))
		return FALSE;
	/* Dovecot neither writes several nor finds its way among them */
	if (bytes.data[0] != 1)
		return FALSE;
	*type_r = bytes.data[1];
	return take(rest, SHA256_RESULTLEN, &envelope->key_id) &&
		take_field(rest, &envelope->ephemeral) &&
		take_field(rest, &envelope->key_data) &&
		take_field(rest, &envelope->key_data_hash);
}

static bool is_own(uint32_t flags, const struct cipher_bytes *cipher,
		   const struct cipher_bytes *digest, unsigned char key_type,
		   const struct mail_cipher_envelope *envelope)
{
	return flags == IO_STREAM_ENC_INTEGRITY_AEAD &&
		bytes_equal(cipher, oid_aes_256_gcm,
			    sizeof(oid_aes_256_gcm)) &&
		bytes_equal(digest, oid_sha256, sizeof(oid_sha256)) &&
		key_type == DCRYPT_KEY_EC && envelope->ephemeral.size > 0 &&
		envelope->key_data.size == MAIL_CIPHER_KEY_DATA_SEALED_SIZE &&
		envelope->key_data_hash.size == SHA256_RESULTLEN;
}

static int parse_version_2(struct cipher_bytes rest,
			   struct mail_cipher_header *header,
			   struct mail_cipher_envelope *envelope,
			   bool *own_r, const char **error_r)
{
	struct cipher_bytes fields, cipher_oid, digest_oid;
	const EVP_CIPHER *cipher;
	uint32_t flags, size, key_size;
	unsigned char key_type;

	if (!take_be32(&rest, &flags) || !take_be32(&rest, &size)) {
		*error_r = "its encryption header is cut off";
		return -1;
	}
	if (size < FIXED_SIZE || size > MAIL_CIPHER_HEADER_MAX) {
		*error_r = "its encryption header is damaged";
		return -1;
	}
	header->size = size;
	if (!take(&rest, size - FIXED_SIZE, &fields)) {
		*error_r = "its encryption header is cut off";
		return -1;
	}
	if (!take_oid(&fields, &cipher_oid) ||
	    !take_oid(&fields, &digest_oid) ||
	    !take_be32(&fields, &envelope->rounds) ||
	    envelope->rounds == 0 || envelope->rounds > ROUNDS_MAX ||
	    !take_be32(&fields, &key_size) ||
	    !parse_key(&fields, &key_type, envelope)) {
		*error_r = "its encryption header is damaged";
		return -1;
	}
	set_key_id(header, &envelope->key_id);
	*own_r = fields.size == 0 &&
		is_own(flags, &cipher_oid, &digest_oid, key_type, envelope);
	if (*own_r) {
		header->overhead = header->size + MAIL_CIPHER_TAG_SIZE;
		return 1;
	}
	if (check_cipher(&cipher_oid, flags, &cipher, error_r) < 0)
		return -1;
	if (flags == IO_STREAM_ENC_INTEGRITY_AEAD &&
	    EVP_CIPHER_get_mode(cipher) == EVP_CIPH_GCM_MODE)
		header->overhead = header->size + IOSTREAM_TAG_SIZE;
	return 1;
}

int mail_cipher_envelope_parse(const unsigned char *data, size_t size,
			       struct mail_cipher_header *header_r,
			       struct mail_cipher_envelope *envelope_r,
			       bool *own_r, const char **error_r)
{
	struct cipher_bytes rest = { data, size }, bytes;

	i_zero(header_r);
	i_zero(envelope_r);
	*own_r = FALSE;
	/* anything shorter is shown to the user as it is */
	if (!take(&rest, sizeof(IOSTREAM_CRYPT_MAGIC), &bytes) ||
	    memcmp(bytes.data, IOSTREAM_CRYPT_MAGIC, bytes.size) != 0)
		return 0;
	if (!take(&rest, 1, &bytes)) {
		*error_r = "its encryption header is cut off";
		return -1;
	}
	switch (bytes.data[0]) {
	case VERSION_1:
		return parse_version_1(rest, header_r, error_r);
	case VERSION_2:
		return parse_version_2(rest, header_r, envelope_r, own_r,
				       error_r);
	}
	*error_r = t_strdup_printf("its encryption is of unknown version %u",
				   bytes.data[0]);
	return -1;
}

int mail_cipher_header_parse(const unsigned char *data, size_t size,
			     struct mail_cipher_header *header_r,
			     const char **error_r)
{
	struct mail_cipher_envelope envelope;
	bool own;

	return mail_cipher_envelope_parse(data, size, header_r, &envelope,
					  &own, error_r);
}

static void append_be32(buffer_t *header, uint32_t num)
{
	unsigned char bytes[4];

	cpu32_to_be_unaligned(num, bytes);
	buffer_append(header, bytes, sizeof(bytes));
}

static void append_field(buffer_t *header, const struct cipher_bytes *bytes)
{
	append_be32(header, bytes->size);
	buffer_append(header, bytes->data, bytes->size);
}

void mail_cipher_envelope_append(buffer_t *header,
				 const struct mail_cipher_envelope *envelope)
{
	/* number of keys, its type, its id, three fields */
	size_t key_size = 1 + 1 + envelope->key_id.size +
		4 + envelope->ephemeral.size +
		4 + envelope->key_data.size +
		4 + envelope->key_data_hash.size;

	buffer_append(header, IOSTREAM_CRYPT_MAGIC,
		      sizeof(IOSTREAM_CRYPT_MAGIC));
	buffer_append_c(header, VERSION_2);
	append_be32(header, IO_STREAM_ENC_INTEGRITY_AEAD);
	append_be32(header, FIXED_SIZE + sizeof(oid_aes_256_gcm) +
		    sizeof(oid_sha256) + 4 + 4 + key_size);
	buffer_append(header, oid_aes_256_gcm, sizeof(oid_aes_256_gcm));
	buffer_append(header, oid_sha256, sizeof(oid_sha256));
	append_be32(header, envelope->rounds);
	append_be32(header, key_size);
	buffer_append_c(header, 1);
	buffer_append_c(header, DCRYPT_KEY_EC);
	buffer_append(header, envelope->key_id.data, envelope->key_id.size);
	append_field(header, &envelope->ephemeral);
	append_field(header, &envelope->key_data);
	append_field(header, &envelope->key_data_hash);
}
