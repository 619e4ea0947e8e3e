#include "lib.h"
#include "array.h"
#include "hash.h"
#include "dcrypt.h"
#include "key-store.h"
#include "key-change.h"

/* A key's private half is opened once, and its new wrapping made once: before
   the lock is taken, if it is there by then. */
struct prepared_key {
	/* The text this was made from. */
	const char *wrapped;
	/* NULL for a folder key. */
	struct dcrypt_private_key *priv;
	/* The text to store instead; NULL for a folder key that nothing
	   opens. */
	const char *new_wrapped;
	/* Found by the last key_change_prepare(). */
	bool opens_with_new:1;
};

struct new_key {
	struct crypt_key key;
	struct dcrypt_private_key *priv;
	struct dcrypt_public_key *pub;
	const char *wrapped, *public_text;
};

struct key_change {
	pool_t pool;
	struct event *event;
	struct key_change_params params;
	const char *inbox_guid;

	/* by crypt_key_name() */
	HASH_TABLE(const char *, struct prepared_key *) prepared;
	/* by GUID */
	HASH_TABLE(const char *, struct new_key *) new_folder_keys;
	struct new_key *new_user_key;

	unsigned int unopened_count;
};

static const char *crypt_key_name(const struct crypt_key *key)
{
	return t_strconcat(key->guid, "/", key->id, NULL);
}

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

static void new_key_free(struct new_key *key)
{
	if (key->priv != NULL)
		dcrypt_key_unref_private(&key->priv);
	if (key->pub != NULL)
		dcrypt_key_unref_public(&key->pub);
}

void key_change_free(struct key_change **_change)
{
	struct key_change *change = *_change;
	struct hash_iterate_context *iter;
	struct prepared_key *prepared;
	struct new_key *new_key;
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

	iter = hash_table_iterate_init(change->new_folder_keys);
	while (hash_table_iterate(iter, change->new_folder_keys, &name,
				  &new_key))
		new_key_free(new_key);
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&change->new_folder_keys);

	if (change->new_user_key != NULL)
		new_key_free(change->new_user_key);
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

static bool
key_is_abandoned(const struct key_change *change, const struct crypt_key *key)
{
	return change->inbox_guid != NULL &&
		strcmp(change->inbox_guid, key->guid) != 0;
}

/* Returns NULL if it is not prepared, or has changed since. */
static struct prepared_key *
key_change_find(struct key_change *change, const struct crypt_key *key)
{
	struct prepared_key *prepared;

	if (key->wrapped == NULL)
		return NULL;
	prepared = hash_table_lookup(change->prepared, crypt_key_name(key));
	if (prepared == NULL)
		return NULL;
	if (strcmp(prepared->wrapped, key->wrapped) == 0 ||
	    null_strcmp(prepared->new_wrapped, key->wrapped) == 0)
		return prepared;
	return NULL;
}

static struct prepared_key *
key_change_add(struct key_change *change, const struct crypt_key *key)
{
	struct prepared_key *prepared;
	const char *name = crypt_key_name(key);

	prepared = hash_table_lookup(change->prepared, name);
	if (prepared == NULL) {
		prepared = p_new(change->pool, struct prepared_key, 1);
		name = p_strdup(change->pool, name);
		hash_table_insert(change->prepared, name, prepared);
	} else if (prepared->priv != NULL) {
		dcrypt_key_unref_private(&prepared->priv);
	}
	i_zero(prepared);
	prepared->wrapped = p_strdup(change->pool, key->wrapped);
	return prepared;
}

/* What was wrapped must open again before it may replace anything. */
static int wrapped_check(const struct crypt_key *key, const char *wrapped,
			 const char *password, struct dcrypt_private_key *by,
			 const char **error_r)
{
	struct crypt_key copy = *key;
	struct dcrypt_private_key *priv;

	copy.wrapped = wrapped;
	if (crypt_key_open(&copy, password, by, &priv, error_r) == 0)
		return -1;
	dcrypt_key_unref_private(&priv);
	return 0;
}

/* Returns 1 if it opens, 0 if not, -1 on error. */
static int prepare_user_key(struct key_change *change,
			    const struct crypt_key *key, bool resume,
			    const char **error_r)
{
	struct dcrypt_private_key *priv;
	struct prepared_key *prepared;
	const char *old_error, *error;
	bool with_new = FALSE;

	if (key_change_find(change, key) != NULL)
		return 1;
	if (crypt_key_open(key, change->params.old_password, NULL, &priv,
			   &old_error) == 0) {
		if (!resume || crypt_key_open(key, change->params.new_password,
					      NULL, &priv, &error) == 0) {
			*error_r = t_strdup_printf(
				"user key %s does not open: %s", key->id,
				old_error);
			return 0;
		}
		with_new = TRUE;
	}
	prepared = key_change_add(change, key);
	prepared->priv = priv;
	prepared->opens_with_new = with_new;
	if (with_new) {
		prepared->new_wrapped = prepared->wrapped;
	} else if (crypt_key_wrap(change->pool, priv,
				  change->params.new_password, NULL,
				  &prepared->new_wrapped, &error) < 0 ||
		   wrapped_check(key, prepared->new_wrapped,
				 change->params.new_password, NULL,
				 &error) < 0) {
		*error_r = t_strdup_printf("wrapping user key %s failed: %s",
					   key->id, error);
		return -1;
	}
	return 1;
}

static int prepare_user_keys(struct key_change *change,
			     struct key_store *store, bool resume,
			     const char **error_r)
{
	struct crypt_key *key;
	int ret;

	array_foreach_elem(&store->user_keys, key) {
		ret = prepare_user_key(change, key, resume, error_r);
		if (ret > 0)
			continue;
		if (ret < 0)
			return -1;
		if (!key_is_abandoned(change, key) &&
		    (key->wrapped != NULL || key->active))
			return 0;
		/* error_r may be on a frame that ends */
		*error_r = "";
	}
	return 1;
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
		if (key->active && !key_is_abandoned(change, key))
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
	    wrapped_check(&key->key, key->wrapped,
			  change->params.new_password,
			  user_key ? NULL : user->priv, error_r) < 0) {
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
		ret = wrapped_check(key, prepared->new_wrapped, NULL,
				    change->new_user_key->priv, &error);
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

static int prepare_renewal(struct key_change *change, struct key_store *store,
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

int key_change_prepare(struct key_change *change, struct key_store *store,
		       bool resume, const char **error_r)
{
	int ret;

	if (crypt_key_init(error_r) < 0)
		return -1;
	ret = prepare_user_keys(change, store, resume, error_r);
	if (ret <= 0)
		return ret;
	if (change->params.renewal_curve != NULL &&
	    prepare_renewal(change, store, error_r) < 0)
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
		i_assert(prepared != NULL);
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
		    !key_is_abandoned(change, key) &&
		    !user_key_is_needed(change, store, key))
			key_store_change_remove(trans, key);
	}
	return key_store_change_commit(&trans, error_r) < 0 ? -1 : 1;
}

int key_change_check_switch(struct key_change *change,
			    struct key_store *store, const char **error_r)
{
	struct prepared_key *prepared;
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		if (key->wrapped == NULL || key_is_abandoned(change, key))
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
