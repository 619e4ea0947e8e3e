#include "sealed-request-private.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

enum field {
	FIELD_END = 0,
	FIELD_OLD_PASSWORD = 1,
	FIELD_NEW_PASSWORD = 2,
	FIELD_NEW_HASH = 3,
};

#define FIELD_HEADER_SIZE (1 + 2)

static_assert(3 * FIELD_HEADER_SIZE + 2 * SEAL_PASSWORD_MAX + SEAL_HASH_MAX <=
	      SEAL_PLAIN_SIZE, "the longest secrets fit the plaintext");

/* A place in a buffer, and how much is left there. */
struct writer {
	unsigned char *pos;
	size_t left;
};

struct reader {
	const unsigned char *pos;
	size_t left;
};

static void put(struct writer *w, const void *data, size_t size)
{
	/* Buffers are sized for the longest values, which were checked. */
	assert(size <= w->left);
	memcpy(w->pos, data, size);
	w->pos += size;
	w->left -= size;
}

static void put_uint(struct writer *w, uint64_t value, unsigned int size)
{
	unsigned char byte;

	while (size-- > 0) {
		byte = (unsigned char)(value >> (size * 8));
		put(w, &byte, 1);
	}
}

static void put_string(struct writer *w, const char *str, size_t len)
{
	put_uint(w, len, 2);
	put(w, str, len);
}

static bool request_id_is_valid(const char *id)
{
	return strspn(id, "0123456789abcdef") == SEAL_REQUEST_ID_LEN &&
		id[SEAL_REQUEST_ID_LEN] == '\0';
}

int seal_binding_encode(const struct seal_binding *binding,
			unsigned char aad_r[SEAL_AAD_MAX], size_t *size_r,
			const char **error_r)
{
	struct writer w = { aad_r, SEAL_AAD_MAX };
	const char *kind;
	size_t address_len;

	if ((unsigned int)binding->kind >= REQUEST_KIND_COUNT) {
		*error_r = "the kind of request is unknown";
		return -1;
	}
	address_len = binding->address == NULL ? 0 :
		strnlen(binding->address, SEAL_ADDRESS_MAX + 1);
	if (address_len == 0) {
		*error_r = "the address is missing";
		return -1;
	}
	if (address_len > SEAL_ADDRESS_MAX) {
		*error_r = "the address is too long";
		return -1;
	}
	if (binding->request_id == NULL ||
	    !request_id_is_valid(binding->request_id)) {
		*error_r = "the request id is not 32 lower case hex digits";
		return -1;
	}

	kind = request_kind_name(binding->kind);
	put_uint(&w, SEAL_VERSION, 1);
	put_string(&w, kind, strlen(kind));
	put_string(&w, binding->address, address_len);
	put_string(&w, binding->request_id, SEAL_REQUEST_ID_LEN);
	put_uint(&w, binding->created, 8);
	*size_r = SEAL_AAD_MAX - w.left;
	return 0;
}

/* value is an array of max_len + 1 bytes. */
static int put_field(struct writer *w, enum field field, const char *value,
		     size_t max_len)
{
	size_t len = strnlen(value, max_len + 1);

	if (len > max_len)
		return -1;
	put_uint(w, field, 1);
	put_string(w, value, len);
	return 0;
}

int seal_secrets_encode(const struct seal_secrets *secrets,
			unsigned char plain_r[SEAL_PLAIN_SIZE],
			const char **error_r)
{
	struct writer w = { plain_r, SEAL_PLAIN_SIZE };

	if (put_field(&w, FIELD_OLD_PASSWORD, secrets->old_password,
		      SEAL_PASSWORD_MAX) < 0)
		*error_r = "the old password is too long";
	else if (put_field(&w, FIELD_NEW_PASSWORD, secrets->new_password,
			   SEAL_PASSWORD_MAX) < 0)
		*error_r = "the new password is too long";
	else if (put_field(&w, FIELD_NEW_HASH, secrets->new_hash,
			   SEAL_HASH_MAX) < 0)
		*error_r = "the new hash is too long";
	else {
		memset(w.pos, FIELD_END, w.left);
		return 0;
	}
	OPENSSL_cleanse(plain_r, SEAL_PLAIN_SIZE);
	return -1;
}

/* value_r is an array of max_len + 1 zeros. */
static int get_field(struct reader *r, enum field field, char *value_r,
		     size_t max_len)
{
	size_t len;

	if (r->left < FIELD_HEADER_SIZE || r->pos[0] != field)
		return -1;
	len = (size_t)r->pos[1] << 8 | r->pos[2];
	r->pos += FIELD_HEADER_SIZE;
	r->left -= FIELD_HEADER_SIZE;
	if (len > max_len || len > r->left ||
	    memchr(r->pos, '\0', len) != NULL)
		return -1;
	memcpy(value_r, r->pos, len);
	r->pos += len;
	r->left -= len;
	return 0;
}

static bool rest_is_padding(const struct reader *r)
{
	size_t i;

	for (i = 0; i < r->left; i++) {
		if (r->pos[i] != FIELD_END)
			return false;
	}
	return true;
}

int seal_secrets_decode(const unsigned char plain[SEAL_PLAIN_SIZE],
			struct seal_secrets *secrets_r, const char **error_r)
{
	struct reader r = { plain, SEAL_PLAIN_SIZE };

	seal_secrets_wipe(secrets_r);
	if (get_field(&r, FIELD_OLD_PASSWORD, secrets_r->old_password,
		      SEAL_PASSWORD_MAX) < 0 ||
	    get_field(&r, FIELD_NEW_PASSWORD, secrets_r->new_password,
		      SEAL_PASSWORD_MAX) < 0 ||
	    get_field(&r, FIELD_NEW_HASH, secrets_r->new_hash,
		      SEAL_HASH_MAX) < 0 ||
	    !rest_is_padding(&r)) {
		seal_secrets_wipe(secrets_r);
		*error_r = "what was sealed is not what this version seals";
		return -1;
	}
	return 0;
}
