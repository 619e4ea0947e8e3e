#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "key-change-private.h"

struct key_change *key_change_new(const struct key_change_params *params)
{
	struct key_change *change;
	pool_t pool;

	pool = pool_alloconly_create_clean("pymailadmin key change", 16*1024);
	change = p_new(pool, struct key_change, 1);
	change->pool = pool;
	change->event = params->event;
	change->params = *params;
	change->params.old_password = p_strdup(pool, params->old_password);
	change->params.new_password = p_strdup(pool, params->new_password);
	change->params.renewal_curve = p_strdup(pool, params->renewal_curve);
	hash_table_create(&change->prepared, pool, 0, str_hash, strcmp);
	hash_table_create(&change->new_folder_keys, pool, 0, str_hash, strcmp);
	return change;
}

void key_change_free(struct key_change **_change)
{
	struct key_change *change = *_change;
	struct hash_iterate_context *iter;
	struct prepared_key *prepared;
	const char *name;

	if (change == NULL)
		return;
	*_change = NULL;

	iter = hash_table_iterate_init(change->prepared);
	while (hash_table_iterate(iter, change->prepared, &name, &prepared)) {
		if (prepared->priv != NULL)
			dcrypt_key_unref_private(&prepared->priv);
	}
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&change->prepared);

	key_renewal_free(change);
	pool_unref(&change->pool);
}

void key_change_set_inbox_guid(struct key_change *change, const char *guid)
{
	change->inbox_guid = p_strdup(change->pool, guid);
}

bool key_change_needs_inbox_guid(struct key_store *store)
{
	struct crypt_key *first, *key;

	if (array_is_empty(&store->user_keys))
		return FALSE;
	first = array_idx_elem(&store->user_keys, 0);
	array_foreach_elem(&store->user_keys, key) {
		if (strcmp(key->guid, first->guid) != 0)
			return TRUE;
	}
	return FALSE;
}

/* Returns 1 if it opens, 0 if not, -1 on error. */
static int prepare_user_key(struct key_change *change,
			    const struct crypt_key *key, const char **error_r)
{
	struct dcrypt_private_key *priv;
	struct prepared_key *prepared;
	const char *new_wrapped, *old_error, *error;
	bool with_new = FALSE;

	if (key_change_find(change, key) != NULL)
		return 1;
	if (crypt_key_open(key, change->params.old_password, NULL, &priv,
			   &old_error) == 0) {
		if (crypt_key_open(key, change->params.new_password, NULL,
				   &priv, &error) == 0) {
			*error_r = t_strdup_printf(
				"user key %s does not open: %s", key->id,
				old_error);
			return 0;
		}
		with_new = TRUE;
	}
	if (with_new) {
		new_wrapped = key->wrapped;
	} else if (crypt_key_wrap(change->pool, priv,
				  change->params.new_password, NULL,
				  &new_wrapped, &error) < 0 ||
		   key_change_check_wrapped(key, new_wrapped,
					    change->params.new_password, NULL,
					    &error) < 0) {
		*error_r = t_strdup_printf("wrapping user key %s failed: %s",
					   key->id, error);
		dcrypt_key_unref_private(&priv);
		return -1;
	}
	prepared = key_change_add(change, key);
	prepared->priv = priv;
	prepared->new_wrapped = with_new ? prepared->wrapped : new_wrapped;
	return 1;
}

static int prepare_user_keys(struct key_change *change,
			     struct key_store *store, const char **error_r)
{
	struct crypt_key *key;
	int ret;

	array_foreach_elem(&store->user_keys, key) {
		ret = prepare_user_key(change, key, error_r);
		if (ret > 0)
			continue;
		if (ret < 0)
			return -1;
		if (!key_change_is_abandoned(change, key) &&
		    (key->wrapped != NULL || key->active))
			return 0;
	}
	return 1;
}

int key_change_prepare(struct key_change *change, struct key_store *store,
		       const char **error_r)
{
	int ret;

	if (crypt_key_init(error_r) < 0)
		return -1;
	ret = prepare_user_keys(change, store, error_r);
	if (ret <= 0)
		return ret;
	if (change->params.renewal_curve != NULL &&
	    key_renewal_prepare(change, store, error_r) < 0)
		return -1;
	return 1;
}

int key_change_switch(struct key_change *change, struct key_store *store,
		      const char **error_r)
{
	struct key_store_change *trans = NULL;
	struct prepared_key *prepared;
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		prepared = key_change_find(change, key);
		if (prepared == NULL ||
		    strcmp(prepared->new_wrapped, key->wrapped) == 0)
			continue;
		if (trans == NULL)
			trans = key_store_change_begin(store);
		key_store_change_set_private(trans, key,
					     prepared->new_wrapped);
	}
	return trans == NULL ? 0 : key_store_change_commit(&trans, error_r);
}

int key_change_check_switch(struct key_change *change,
			    struct key_store *store, const char **error_r)
{
	struct prepared_key *prepared;
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		if (key->wrapped == NULL ||
		    key_change_is_abandoned(change, key))
			continue;
		prepared = key_change_find(change, key);
		if (prepared == NULL ||
		    strcmp(prepared->new_wrapped, key->wrapped) != 0) {
			*error_r = t_strdup_printf("user key %s is not what "
				"was written", key->id);
			return -1;
		}
	}
	return 0;
}
