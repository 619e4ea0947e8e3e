#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "key-change-private.h"

static void new_key_free(struct new_key *key)
{
	if (key->priv != NULL)
		dcrypt_key_unref_private(&key->priv);
	if (key->pub != NULL)
		dcrypt_key_unref_public(&key->pub);
}

void key_renewal_free(struct key_change *change)
{
	struct hash_iterate_context *iter;
	struct new_key *key;
	const char *guid;

	iter = hash_table_iterate_init(change->new_folder_keys);
	while (hash_table_iterate(iter, change->new_folder_keys, &guid, &key))
		new_key_free(key);
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&change->new_folder_keys);

	if (change->new_user_key != NULL)
		new_key_free(change->new_user_key);
}

static struct crypt_key *
user_key_find(struct key_store *store, const char *id)
{
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		if (strcmp(key->id, id) == 0 && key->wrapped != NULL)
			return key;
	}
	return NULL;
}

static struct crypt_key *
active_user_key(const struct key_change *change, struct key_store *store)
{
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		if (key->active && !key_change_is_abandoned(change, key))
			return key;
	}
	return NULL;
}

static int new_key_make(struct key_change *change, const char *guid,
			bool user_key, struct new_key **key_r,
			const char **error_r)
{
	struct new_key *key = p_new(change->pool, struct new_key, 1);
	struct new_key *user = change->new_user_key;

	key->key.guid = p_strdup(change->pool, guid);
	key->key.user_key = user_key;
	key->key.active = TRUE;
	if (crypt_key_generate(change->pool, change->params.renewal_curve,
			       &key->key.id, &key->priv, &key->pub,
			       error_r) < 0)
		return -1;
	if (crypt_key_store_public(change->pool, key->pub, &key->public_text,
				   error_r) < 0 ||
	    crypt_key_wrap(change->pool, key->priv,
			   user_key ? change->params.new_password : NULL,
			   user_key ? NULL : user->pub, &key->wrapped,
			   error_r) < 0 ||
	    key_change_check_wrapped(&key->key, key->wrapped,
				     change->params.new_password,
				     user_key ? NULL : user->priv,
				     error_r) < 0) {
		new_key_free(key);
		return -1;
	}
	*key_r = key;
	return 0;
}

static int prepare_new_user_key(struct key_change *change,
				struct key_store *store, const char **error_r)
{
	struct crypt_key *active = active_user_key(change, store);
	const char *error;

	if (active == NULL || change->new_user_key != NULL)
		return 0;
	if (new_key_make(change, active->guid, TRUE, &change->new_user_key,
			 &error) < 0) {
		*error_r = t_strdup_printf("making a user key failed: %s",
					   error);
		return -1;
	}
	return 0;
}

/* A folder key that nothing opens is no error: it is damage done before. */
static int prepare_folder_key(struct key_change *change,
			      struct key_store *store,
			      const struct crypt_key *key, const char **error_r)
{
	enum crypt_key_wrapping wrapping;
	struct dcrypt_private_key *priv;
	struct prepared_key *prepared, *user_prepared;
	struct crypt_key *user_key;
	const char *by, *error;
	int ret;

	if (key->wrapped == NULL || key_change_find(change, key) != NULL)
		return 0;
	prepared = key_change_add(change, key);
	if (crypt_key_get_wrapping(key, &wrapping, &by, &error) < 0)
		return 0;
	user_prepared = NULL;
	if (by != NULL && (user_key = user_key_find(store, by)) != NULL)
		user_prepared = key_change_find(change, user_key);
	if (crypt_key_open(key, NULL,
			   user_prepared == NULL ? NULL : user_prepared->priv,
			   &priv, &error) == 0) {
		e_warning(change->event, "folder key %s of mailbox %s does "
			  "not open and is left alone: %s", key->id, key->guid,
			  error);
		return 0;
	}
	ret = crypt_key_wrap(change->pool, priv, NULL,
			     change->new_user_key->pub,
			     &prepared->new_wrapped, &error);
	dcrypt_key_unref_private(&priv);
	if (ret == 0)
		ret = key_change_check_wrapped(key, prepared->new_wrapped,
					       NULL,
					       change->new_user_key->priv,
					       &error);
	if (ret < 0)
		*error_r = t_strdup_printf("wrapping folder key %s failed: %s",
					   key->id, error);
	return ret;
}

static int prepare_new_folder_key(struct key_change *change,
				  struct key_store *store,
				  const struct crypt_key *key,
				  const char **error_r)
{
	struct new_key *new_key;
	const char *error;

	/* others hold the key of a shared folder, and would not get the new
	   one */
	if (!key->active || key_store_guid_is_shared(store, key->guid) ||
	    hash_table_lookup(change->new_folder_keys, key->guid) != NULL)
		return 0;
	if (new_key_make(change, key->guid, FALSE, &new_key, &error) < 0) {
		*error_r = t_strdup_printf("making a folder key failed: %s",
					   error);
		return -1;
	}
	hash_table_insert(change->new_folder_keys, new_key->key.guid, new_key);
	return 0;
}

int key_renewal_prepare(struct key_change *change, struct key_store *store,
			const char **error_r)
{
	struct crypt_key *key;
	int ret = 0;

	if (prepare_new_user_key(change, store, error_r) < 0)
		return -1;
	if (change->new_user_key == NULL)
		return 0;
	array_foreach_elem(&store->folder_keys, key) {
		T_BEGIN {
			ret = prepare_folder_key(change, store, key, error_r);
			if (ret == 0)
				ret = prepare_new_folder_key(change, store,
							     key, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static void new_key_write(struct key_store_change *trans,
			  const struct new_key *key)
{
	key_store_change_set_private(trans, &key->key, key->wrapped);
	key_store_change_set_public(trans, &key->key, key->public_text);
	key_store_change_set_active(trans, &key->key);
}

/* Does a folder key that was left alone name it? */
static bool user_key_is_needed(struct key_change *change,
			       struct key_store *store,
			       const struct crypt_key *user_key)
{
	enum crypt_key_wrapping wrapping;
	struct prepared_key *prepared;
	struct crypt_key *key;
	const char *by, *error;

	array_foreach_elem(&store->folder_keys, key) {
		prepared = key_change_find(change, key);
		if (prepared == NULL || prepared->new_wrapped != NULL)
			continue;
		if (crypt_key_get_wrapping(key, &wrapping, &by, &error) < 0 ||
		    null_strcmp(by, user_key->id) == 0)
			return TRUE;
	}
	return FALSE;
}

int key_change_renew(struct key_change *change, struct key_store *store,
		     const char **error_r)
{
	struct key_store_change *trans;
	struct hash_iterate_context *iter;
	struct prepared_key *prepared;
	struct new_key *new_key;
	struct crypt_key *key;
	const char *guid;

	if (change->new_user_key == NULL)
		return 0;

	trans = key_store_change_begin(store);
	new_key_write(trans, change->new_user_key);
	change->unopened_count = 0;
	array_foreach_elem(&store->folder_keys, key) {
		if (key->wrapped == NULL)
			continue;
		prepared = key_change_find(change, key);
		if (prepared == NULL) {
			*error_r = t_strdup_printf("folder key %s has been "
				"changed by somebody else", key->id);
			key_store_change_rollback(&trans);
			return -1;
		}
		if (prepared->new_wrapped == NULL)
			change->unopened_count++;
		else
			key_store_change_set_private(trans, key,
						     prepared->new_wrapped);
	}
	iter = hash_table_iterate_init(change->new_folder_keys);
	while (hash_table_iterate(iter, change->new_folder_keys, &guid,
				  &new_key))
		new_key_write(trans, new_key);
	hash_table_iterate_deinit(&iter);
	array_foreach_elem(&store->user_keys, key) {
		if (!change->params.keep_user_keys &&
		    key_change_find(change, key) != NULL &&
		    !key_change_is_abandoned(change, key) &&
		    !user_key_is_needed(change, store, key))
			key_store_change_remove(trans, key);
	}
	return key_store_change_commit(&trans, error_r) < 0 ? -1 : 1;
}

static bool new_key_is_stored(const ARRAY_TYPE(crypt_key) *keys,
			      const struct new_key *wanted)
{
	struct crypt_key *key;

	array_foreach_elem(keys, key) {
		if (key->active &&
		    strcmp(key->id, wanted->key.id) == 0 &&
		    strcmp(key->guid, wanted->key.guid) == 0)
			return null_strcmp(key->wrapped,
					   wanted->wrapped) == 0 &&
				null_strcmp(key->public_text,
					    wanted->public_text) == 0;
	}
	return FALSE;
}

int key_change_check_renewal(struct key_change *change,
			     struct key_store *store, const char **error_r)
{
	struct prepared_key *prepared;
	struct new_key *new_key;
	struct crypt_key *key;

	i_assert(change->new_user_key != NULL);

	if (!new_key_is_stored(&store->user_keys, change->new_user_key)) {
		*error_r = t_strdup_printf("user key %s is not what was "
			"written", change->new_user_key->key.id);
		return -1;
	}
	array_foreach_elem(&store->folder_keys, key) {
		new_key = hash_table_lookup(change->new_folder_keys,
					    key->guid);
		if (new_key != NULL && strcmp(new_key->key.id, key->id) == 0) {
			if (new_key_is_stored(&store->folder_keys, new_key))
				continue;
		} else if (key->wrapped == NULL) {
			continue;
		} else {
			prepared = key_change_find(change, key);
			if (prepared != NULL &&
			    (prepared->new_wrapped == NULL ||
			     strcmp(prepared->new_wrapped,
				    key->wrapped) == 0))
				continue;
		}
		*error_r = t_strdup_printf("folder key %s of mailbox %s is "
			"not what was written", key->id, key->guid);
		return -1;
	}
	return 0;
}

unsigned int key_change_get_unopened_count(const struct key_change *change)
{
	return change->unopened_count;
}
