#include "lib.h"
#include "buffer.h"
#include "hex-binary.h"
#include "str.h"
#include "dcrypt.h"
#include "mail-crypt-compat.h"
#include "crypt-key.h"

#define CRYPT_KEY_TEXT_SIZE 1024
#define CRYPT_KEY_ID_SIZE 64

int crypt_key_init(const char **error_r)
{
	const struct dcrypt_settings set = { .module_dir = MODULEDIR };

	if (dcrypt_is_initialized())
		return 0;
	return dcrypt_initialize("openssl", &set, error_r) ? 0 : -1;
}

int crypt_key_get_wrapping(const struct crypt_key *key,
			   enum crypt_key_wrapping *wrapping_r,
			   const char **by_r, const char **error_r)
{
	enum dcrypt_key_encryption_type type;
	enum dcrypt_key_kind kind;
	const char *by = NULL, *id = NULL;

	if (key->wrapped == NULL) {
		*error_r = "its private half is missing";
		return -1;
	}
	if (!dcrypt_key_string_get_info(key->wrapped, NULL, NULL, &kind, &type,
					&by, &id, error_r))
		return -1;
	if (kind != DCRYPT_KEY_KIND_PRIVATE) {
		*error_r = "it is not a private key";
		return -1;
	}
	if (id != NULL && strcmp(id, key->id) != 0) {
		*error_r = t_strdup_printf("it holds key %s", id);
		return -1;
	}
	*by_r = NULL;
	switch (type) {
	case DCRYPT_KEY_ENCRYPTION_TYPE_NONE:
		*wrapping_r = CRYPT_KEY_WRAPPING_NONE;
		return 0;
	case DCRYPT_KEY_ENCRYPTION_TYPE_PASSWORD:
		*wrapping_r = CRYPT_KEY_WRAPPING_PASSWORD;
		return 0;
	case DCRYPT_KEY_ENCRYPTION_TYPE_KEY:
		*wrapping_r = CRYPT_KEY_WRAPPING_KEY;
		*by_r = by;
		return 0;
	}
	i_unreached();
}

static bool crypt_key_id_matches(struct dcrypt_private_key *priv,
				 const char *id, const char **error_r)
{
	buffer_t *buf = t_buffer_create(CRYPT_KEY_ID_SIZE);

	if (!dcrypt_key_id_private(priv, MAIL_CRYPT_ID_ALGORITHM, buf, error_r))
		return FALSE;
	if (strcmp(binary_to_hex(buf->data, buf->used), id) == 0)
		return TRUE;
	buffer_set_used_size(buf, 0);
	if (!dcrypt_key_id_private_old(priv, buf, error_r))
		return FALSE;
	if (strcmp(binary_to_hex(buf->data, buf->used), id) == 0)
		return TRUE;
	*error_r = "what opened is another key";
	return FALSE;
}

int crypt_key_open(const struct crypt_key *key, const char *password,
		   struct dcrypt_private_key *by,
		   struct dcrypt_private_key **priv_r, const char **error_r)
{
	struct dcrypt_private_key *priv;
	enum crypt_key_wrapping wrapping;
	const char *by_id;

	if (crypt_key_get_wrapping(key, &wrapping, &by_id, error_r) < 0)
		return 0;
	switch (wrapping) {
	case CRYPT_KEY_WRAPPING_NONE:
		password = NULL;
		by = NULL;
		break;
	case CRYPT_KEY_WRAPPING_PASSWORD:
		by = NULL;
		if (password == NULL || password[0] == '\0') {
			*error_r = "there is no key password";
			return 0;
		}
		break;
	case CRYPT_KEY_WRAPPING_KEY:
		password = NULL;
		if (by == NULL) {
			*error_r = t_strdup_printf("it is wrapped to key %s",
						   by_id);
			return 0;
		}
		break;
	}
	if (!dcrypt_key_load_private(&priv, key->wrapped, password, by,
				     error_r))
		return 0;
	if (!crypt_key_id_matches(priv, key->id, error_r)) {
		dcrypt_key_unref_private(&priv);
		return 0;
	}
	*priv_r = priv;
	return 1;
}

int crypt_key_wrap(pool_t pool, struct dcrypt_private_key *priv,
		   const char *password, struct dcrypt_public_key *to,
		   const char **wrapped_r, const char **error_r)
{
	buffer_t *buf = t_str_new(CRYPT_KEY_TEXT_SIZE);

	/* dcrypt stores in the clear when it is given neither */
	i_assert((password != NULL) != (to != NULL));
	if (password != NULL && password[0] == '\0') {
		*error_r = "the key password is empty";
		return -1;
	}
	if (!dcrypt_key_store_private(priv, MAIL_CRYPT_KEY_FORMAT,
				      password != NULL ?
					MAIL_CRYPT_PASSWORD_CIPHER :
					MAIL_CRYPT_KEY_CIPHER,
				      buf, password, to, error_r))
		return -1;
	*wrapped_r = p_strdup(pool, str_c(buf));
	return 0;
}

int crypt_key_store_public(pool_t pool, struct dcrypt_public_key *pub,
			   const char **text_r, const char **error_r)
{
	buffer_t *buf = t_str_new(CRYPT_KEY_TEXT_SIZE);

	if (!dcrypt_key_store_public(pub, MAIL_CRYPT_KEY_FORMAT, buf, error_r))
		return -1;
	*text_r = p_strdup(pool, str_c(buf));
	return 0;
}

int crypt_key_generate(pool_t pool, const char *curve, const char **id_r,
		       struct dcrypt_private_key **priv_r,
		       struct dcrypt_public_key **pub_r, const char **error_r)
{
	buffer_t *id = t_buffer_create(CRYPT_KEY_ID_SIZE);
	struct dcrypt_keypair pair;

	if (!dcrypt_keypair_generate(&pair, DCRYPT_KEY_EC, 0, curve, error_r))
		return -1;
	if (!dcrypt_key_id_public(pair.pub, MAIL_CRYPT_ID_ALGORITHM, id,
				  error_r)) {
		dcrypt_keypair_unref(&pair);
		return -1;
	}
	*id_r = p_strdup(pool, binary_to_hex(id->data, id->used));
	*priv_r = pair.priv;
	*pub_r = pair.pub;
	return 0;
}
