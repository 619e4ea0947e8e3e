#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "create-keys.h"

struct create_key {
	struct crypt_key key;
	struct dcrypt_private_key *priv;
	struct dcrypt_public_key *pub;
};

static bool key_is_there(const struct crypt_key *key)
{
	return key->wrapped != NULL || key->public_text != NULL;
}

/* Does a user key that the key password opens open this folder key? */
static bool folder_key_opens(struct key_store *store,
			     const struct crypt_key *folder_key,
			     const char *key_password, const char **error_r)
{
	struct dcrypt_private_key *user_priv, *priv;
	struct crypt_key *key;
	bool opens = FALSE;

	*error_r = "there is no user key";
	array_foreach_elem(&store->user_keys, key) {
		if (opens || key->wrapped == NULL ||
		    crypt_key_open(key, key_password, NULL, &user_priv,
				   error_r) == 0)
			continue;
		if (crypt_key_open(folder_key, NULL, user_priv, &priv,
				   error_r) > 0) {
			dcrypt_key_unref_private(&priv);
			opens = TRUE;
		}
		dcrypt_key_unref_private(&user_priv);
	}
	return opens;
}

/* The clear text form opens with any password. */
static bool key_opens(struct key_store *store, const struct crypt_key *key,
		      const char *key_password, const char **error_r)
{
	enum crypt_key_wrapping wrapping;
	struct dcrypt_private_key *priv;
	const char *by;

	if (crypt_key_get_wrapping(key, &wrapping, &by, error_r) < 0)
		return FALSE;
	if (wrapping == CRYPT_KEY_WRAPPING_NONE) {
		*error_r = "it is stored in the clear";
		return FALSE;
	}
	if (!key->user_key)
		return folder_key_opens(store, key, key_password, error_r);
	if (crypt_key_open(key, key_password, NULL, &priv, error_r) == 0)
		return FALSE;
	dcrypt_key_unref_private(&priv);
	return TRUE;
}

static int keys_are_ours(struct key_store *store,
			 const ARRAY_TYPE(crypt_key) *keys,
			 const char *key_password, const char **error_r)
{
	struct crypt_key *key;
	const char *error;

	array_foreach_elem(keys, key) {
		if (!key_is_there(key) ||
		    key_opens(store, key, key_password, &error))
			continue;
		*error_r = t_strdup_printf("%s key %s does not open: %s",
					   key->user_key ? "user" : "folder",
					   key->id, error);
		return 0;
	}
	return 1;
}

int create_keys_are_ours(struct key_store *store, const char *key_password,
			 const char **error_r)
{
	int ret;

	if (crypt_key_init(error_r) < 0)
		return -1;
	ret = keys_are_ours(store, &store->user_keys, key_password, error_r);
	if (ret > 0)
		ret = keys_are_ours(store, &store->folder_keys, key_password,
				    error_r);
	return ret;
}

/* Returns TRUE if the folder has one whole key, and it is the active one. */
static bool guid_has_key(const ARRAY_TYPE(crypt_key) *keys, const char *guid)
{
	const struct crypt_key *found = NULL;
	struct crypt_key *key;

	array_foreach_elem(keys, key) {
		if (!key_is_there(key) || strcmp(key->guid, guid) != 0)
			continue;
		if (found != NULL)
			return FALSE;
		found = key;
	}
	return found != NULL && found->active && found->wrapped != NULL &&
		found->public_text != NULL;
}

static unsigned int count_keys(const ARRAY_TYPE(crypt_key) *keys)
{
	struct crypt_key *key;
	unsigned int count = 0;

	array_foreach_elem(keys, key) {
		if (key_is_there(key))
			count++;
	}
	return count;
}

int create_keys_prove(struct key_store *store,
		      const struct create_keys_params *params,
		      const char **error_r)
{
	const char *guid;

	if (count_keys(&store->user_keys) != 1 ||
	    !guid_has_key(&store->user_keys, params->inbox_guid)) {
		*error_r = "INBOX does not have one user key";
		return 0;
	}
	array_foreach_elem(params->folder_guids, guid) {
		if (!guid_has_key(&store->folder_keys, guid)) {
			*error_r = t_strdup_printf(
				"mailbox %s does not have one folder key",
				guid);
			return 0;
		}
	}
	if (count_keys(&store->folder_keys) !=
	    array_count(params->folder_guids)) {
		*error_r = "there are other folder keys";
		return 0;
	}
	return create_keys_are_ours(store, params->key_password, error_r);
}

static int create_key_write(struct key_store_change *trans,
			    const struct create_keys_params *params,
			    const struct create_key *user_key,
			    const char *guid, struct create_key *key,
			    const char **error_r)
{
	const char *wrapped, *text;

	key->key.guid = guid;
	key->key.user_key = user_key == NULL;
	if (crypt_key_generate(pool_datastack_create(), params->curve,
			       &key->key.id, &key->priv, &key->pub,
			       error_r) < 0)
		return -1;
	if (crypt_key_store_public(pool_datastack_create(), key->pub, &text,
				   error_r) < 0 ||
	    crypt_key_wrap(pool_datastack_create(), key->priv,
			   user_key == NULL ? params->key_password : NULL,
			   user_key == NULL ? NULL : user_key->pub, &wrapped,
			   error_r) < 0)
		return -1;
	key_store_change_set_private(trans, &key->key, wrapped);
	key_store_change_set_public(trans, &key->key, text);
	key_store_change_set_active(trans, &key->key);
	return 0;
}

static void create_key_free(struct create_key *key)
{
	if (key->priv != NULL)
		dcrypt_key_unref_private(&key->priv);
	if (key->pub != NULL)
		dcrypt_key_unref_public(&key->pub);
}

static void remove_keys(struct key_store_change *trans,
			const ARRAY_TYPE(crypt_key) *keys)
{
	struct crypt_key *key;

	array_foreach_elem(keys, key) {
		key_store_change_remove(trans, key);
		if (key->active)
			key_store_change_unset_active(trans, key);
	}
}

int create_keys_write(struct key_store *store,
		      const struct create_keys_params *params,
		      const char **error_r)
{
	struct key_store_change *trans;
	struct create_key user_key, key;
	const char *guid;
	int ret;

	if (crypt_key_init(error_r) < 0)
		return -1;
	i_zero(&user_key);
	trans = key_store_change_begin(store);
	remove_keys(trans, &store->user_keys);
	remove_keys(trans, &store->folder_keys);
	ret = create_key_write(trans, params, NULL, params->inbox_guid,
			       &user_key, error_r);
	array_foreach_elem(params->folder_guids, guid) {
		if (ret < 0)
			break;
		i_zero(&key);
		ret = create_key_write(trans, params, &user_key, guid, &key,
				       error_r);
		create_key_free(&key);
	}
	create_key_free(&user_key);
	if (ret < 0) {
		key_store_change_rollback(&trans);
		return -1;
	}
	return key_store_change_commit(&trans, error_r);
}

int create_keys_remove(struct key_store *store, const char **error_r)
{
	struct key_store_change *trans;

	if (array_is_empty(&store->user_keys) &&
	    array_is_empty(&store->folder_keys))
		return 0;
	trans = key_store_change_begin(store);
	remove_keys(trans, &store->user_keys);
	remove_keys(trans, &store->folder_keys);
	return key_store_change_commit(&trans, error_r);
}
