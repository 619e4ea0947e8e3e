#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "hash.h"
#include "hex-binary.h"
#include "sha2.h"
#include "dcrypt.h"
#include "mail-crypt-compat.h"
#include "storage-keys.h"

struct storage_keys {
	pool_t pool;
	/* by id, and the active ones by GUID */
	HASH_TABLE(const char *, struct storage_key *) by_id, active;
	/* opened user keys */
	ARRAY(struct dcrypt_private_key *) user_keys;
	ARRAY_TYPE(const_string) user_key_ids;
};

static void storage_keys_add(struct storage_keys *keys,
			     const struct crypt_key *crypt_key,
			     unsigned int idx)
{
	struct storage_key *key = p_new(keys->pool, struct storage_key, 1);

	key->key = crypt_key;
	key->idx = idx;
	if (hash_table_lookup(keys->by_id, crypt_key->id) == NULL)
		hash_table_insert(keys->by_id, crypt_key->id, key);
	else
		key = hash_table_lookup(keys->by_id, crypt_key->id);
	if (crypt_key->active && crypt_key->public_text != NULL &&
	    hash_table_lookup(keys->active, crypt_key->guid) == NULL)
		hash_table_insert(keys->active, crypt_key->guid, key);
}

static int storage_keys_open_user(struct storage_keys *keys,
				  const struct key_store *store,
				  const char *key_password,
				  const char **error_r)
{
	struct dcrypt_private_key *priv;
	struct crypt_key *key;

	*error_r = "there is no user key";
	array_foreach_elem(&store->user_keys, key) {
		if (key->wrapped == NULL ||
		    crypt_key_open(key, key_password, NULL, &priv,
				   error_r) <= 0)
			continue;
		array_push_back(&keys->user_keys, &priv);
		array_push_back(&keys->user_key_ids, &key->id);
	}
	return array_is_empty(&keys->user_keys) ? -1 : 0;
}

int storage_keys_init(const struct key_store *store, const char *key_password,
		      struct storage_keys **keys_r, const char **error_r)
{
	struct storage_keys *keys;
	struct crypt_key *key;
	unsigned int idx = 0;
	pool_t pool;

	if (crypt_key_init(error_r) < 0)
		return -1;
	pool = pool_alloconly_create("pymailadmin storage keys", 4096);
	keys = p_new(pool, struct storage_keys, 1);
	keys->pool = pool;
	hash_table_create(&keys->by_id, pool, 0, str_hash, strcmp);
	hash_table_create(&keys->active, pool, 0, str_hash, strcmp);
	p_array_init(&keys->user_keys, pool, 2);
	p_array_init(&keys->user_key_ids, pool, 2);
	array_foreach_elem(&store->folder_keys, key)
		storage_keys_add(keys, key, idx++);
	if (key_password != NULL &&
	    storage_keys_open_user(keys, store, key_password, error_r) < 0) {
		storage_keys_free(&keys);
		return -1;
	}
	*keys_r = keys;
	return 0;
}

void storage_keys_free(struct storage_keys **_keys)
{
	struct storage_keys *keys = *_keys;
	struct hash_iterate_context *iter;
	struct dcrypt_private_key **priv;
	struct storage_key *key;
	const char *id;

	if (keys == NULL)
		return;
	*_keys = NULL;

	iter = hash_table_iterate_init(keys->by_id);
	while (hash_table_iterate(iter, keys->by_id, &id, &key)) {
		if (key->priv != NULL)
			dcrypt_key_unref_private(&key->priv);
	}
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&keys->by_id);
	hash_table_destroy(&keys->active);
	array_foreach_modifiable(&keys->user_keys, priv)
		dcrypt_key_unref_private(priv);
	pool_unref(&keys->pool);
}

struct storage_key *
storage_keys_find(struct storage_keys *keys, const char *id)
{
	return hash_table_lookup(keys->by_id, id);
}

struct storage_key *
storage_keys_find_active(struct storage_keys *keys, const char *guid)
{
	return hash_table_lookup(keys->active, guid);
}

struct dcrypt_private_key *
storage_keys_get_user(struct storage_keys *keys, const char *id)
{
	const char *const *user_id;

	array_foreach(&keys->user_key_ids, user_id) {
		if (strcmp(*user_id, id) == 0)
			return array_idx_elem(&keys->user_keys,
				array_foreach_idx(&keys->user_key_ids,
						  user_id));
	}
	return NULL;
}

/* The opened user key it is wrapped to; NULL if it is not wrapped to one. */
static struct dcrypt_private_key *
storage_keys_find_user(struct storage_keys *keys, const struct crypt_key *key)
{
	enum crypt_key_wrapping wrapping;
	const char *by, *error;

	if (crypt_key_get_wrapping(key, &wrapping, &by, &error) < 0 ||
	    by == NULL)
		return NULL;
	return storage_keys_get_user(keys, by);
}

int storage_key_open(struct storage_keys *keys, struct storage_key *key,
		     struct dcrypt_private_key **priv_r, const char **error_r)
{
	const char *error;

	if (key->priv == NULL && key->open_error == NULL &&
	    crypt_key_open(key->key, NULL,
			   storage_keys_find_user(keys, key->key), &key->priv,
			   &error) <= 0)
		key->open_error = p_strdup(keys->pool, error);
	if (key->priv == NULL) {
		*error_r = t_strdup_printf("folder key %s does not open: %s",
					   key->key->id, key->open_error);
		return 0;
	}
	*priv_r = key->priv;
	return 1;
}

int storage_key_get_public(const struct storage_key *key,
			   struct dcrypt_public_key **pub_r,
			   const char **error_r)
{
	buffer_t *id = t_buffer_create(SHA256_RESULTLEN);
	const char *error;

	if (!dcrypt_key_load_public(pub_r, key->key->public_text, &error)) {
		*error_r = t_strdup_printf(
			"dcrypt_key_load_public(%s) failed: %s", key->key->id,
			error);
		return -1;
	}
	if (dcrypt_key_id_public(*pub_r, MAIL_CRYPT_ID_ALGORITHM, id,
				 &error) &&
	    strcmp(binary_to_hex(id->data, id->used), key->key->id) == 0)
		return 0;
	*error_r = t_strdup_printf("the public half of folder key %s is "
				   "another key's", key->key->id);
	dcrypt_key_unref_public(pub_r);
	return -1;
}
