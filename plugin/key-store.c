#include "lib.h"
#include "array.h"
#include "dict-private.h"
#include "hash.h"
#include "mail-user.h"
#include "settings.h"
#include "sleep.h"
#include "file-sync.h"
#include "mail-crypt-compat.h"
#include "monotonic-time.h"
#include "pymailadmin-settings.h"
#include "key-store.h"

#include <sys/stat.h>

#define DICT_LOCK_STALE_MSECS (3*1000)
#define DICT_LOCK_POLL_MSECS 20

struct key_store_change {
	struct key_store *store;
	struct dict_transaction_context *trans;
};

/* One attribute's name, taken apart. */
struct attribute {
	const char *guid, *name;
	bool user_scope;
};

HASH_TABLE_DEFINE_TYPE(crypt_key, const char *, struct crypt_key *);

/* Returns FALSE if the dict's key is not one of mail_crypt's. */
static bool attribute_parse(const char *path, const char *dict_prefix,
			    struct attribute *attr_r)
{
	const char *p, *name;

	if (!str_begins(path, dict_prefix, &path) ||
	    (p = strchr(path, '/')) == NULL)
		return FALSE;
	attr_r->guid = t_strdup_until(path, p++);
	if (str_begins(p, MAIL_CRYPT_USER_SCOPE, &name))
		attr_r->user_scope = TRUE;
	else if (str_begins(p, MAIL_CRYPT_BOX_SCOPE, &name))
		attr_r->user_scope = FALSE;
	else
		return FALSE;
	attr_r->name = name;
	return TRUE;
}

static const char *
attribute_path(const char *dict_prefix, const struct crypt_key *key,
	       const char *name_prefix, const char *id)
{
	return t_strconcat(dict_prefix, key->guid, "/",
			   key->user_key ? MAIL_CRYPT_USER_SCOPE :
				MAIL_CRYPT_BOX_SCOPE, name_prefix, id, NULL);
}

static struct crypt_key *
key_store_get(struct key_store *store, HASH_TABLE_TYPE(crypt_key) index,
	      const struct attribute *attr, const char *id)
{
	const char *name = t_strconcat(attr->user_scope ? "u" : "f",
				       attr->guid, "/", id, NULL);
	struct crypt_key *key = hash_table_lookup(index, name);

	if (key != NULL)
		return key;
	key = p_new(store->pool, struct crypt_key, 1);
	key->guid = p_strdup(store->pool, attr->guid);
	key->id = p_strdup(store->pool, id);
	key->user_key = attr->user_scope;
	name = p_strdup(store->pool, name);
	hash_table_insert(index, name, key);
	array_push_back(key->user_key ? &store->user_keys :
			&store->folder_keys, &key);
	return key;
}

static void key_store_add_private(struct key_store *store,
				  HASH_TABLE_TYPE(crypt_key) index,
				  const struct attribute *attr,
				  const char *value)
{
	const char *id;

	if (str_begins(attr->name, MAIL_CRYPT_PRIVKEYS, &id)) {
		key_store_get(store, index, attr, id)->wrapped =
			p_strdup(store->pool, value);
	}
}

static void key_store_add_shared(struct key_store *store,
				 HASH_TABLE_TYPE(crypt_key) index,
				 const struct attribute *attr,
				 const char *value)
{
	const char *id, *guid;

	if (strcmp(attr->name, MAIL_CRYPT_ACTIVE) == 0)
		key_store_get(store, index, attr, value)->active = TRUE;
	else if (str_begins(attr->name, MAIL_CRYPT_PUBKEYS, &id)) {
		key_store_get(store, index, attr, id)->public_text =
			p_strdup(store->pool, value);
	} else if (str_begins_with(attr->name, MAIL_CRYPT_PRIVKEYS) &&
		 !key_store_guid_is_shared(store, attr->guid)) {
		guid = p_strdup(store->pool, attr->guid);
		array_push_back(&store->shared_guids, &guid);
	}
}

static int key_store_read_half(struct key_store *store,
			       HASH_TABLE_TYPE(crypt_key) index,
			       const char *prefix, const char **error_r)
{
	struct dict_iterate_context *iter;
	const char *path, *value;
	struct attribute attr;

	iter = dict_iterate_init(store->dict, store->op_set, prefix,
				 DICT_ITERATE_FLAG_RECURSE);
	while (dict_iterate(iter, &path, &value)) T_BEGIN {
		if (!attribute_parse(path, prefix, &attr))
			;
		else if (strcmp(prefix, DICT_PATH_PRIVATE) == 0)
			key_store_add_private(store, index, &attr, value);
		else
			key_store_add_shared(store, index, &attr, value);
	} T_END;
	return dict_iterate_deinit(&iter, error_r);
}

static int key_store_read(struct key_store *store, const char **error_r)
{
	HASH_TABLE_TYPE(crypt_key) index;
	const char *error;
	int ret;

	hash_table_create(&index, default_pool, 0, str_hash, strcmp);
	ret = key_store_read_half(store, index, DICT_PATH_PRIVATE, &error);
	if (ret == 0)
		ret = key_store_read_half(store, index, DICT_PATH_SHARED,
					  &error);
	hash_table_destroy(&index);
	if (ret < 0)
		*error_r = t_strdup_printf("dict_iterate() failed: %s", error);
	return ret;
}

/* A file needs to be synced, SQL syncs by itself; others can neither list the
   keys nor change several at once. */
static int key_store_get_file(struct key_store *store, struct mail_user *user,
			      struct event *event, const char **error_r)
{
	const struct pymailadmin_dict_file_settings *set;
	const struct dict_settings *dict_set;
	int ret;

	if (strcmp(store->dict->name, "sql") == 0 ||
	    strcmp(store->dict->name, "proxy") == 0)
		return 0;
	if (strcmp(store->dict->name, "file") != 0) {
		store->unusable_reason = p_strdup_printf(store->pool,
			"mail_attribute: dict driver %s cannot change several "
			"keys at once; use file or sql", store->dict->name);
		return 0;
	}
	if (settings_get(event, &dict_setting_parser_info, 0, &dict_set,
			 error_r) < 0)
		return -1;
	event = event_create(event);
	settings_event_add_list_filter_name(event, "dict",
		array_idx_elem(&dict_set->dicts, 0));
	settings_free(dict_set);
	ret = settings_get(event, &pymailadmin_dict_file_setting_parser_info,
			   0, &set, error_r);
	event_unref(&event);
	if (ret < 0)
		return -1;
	store->file_path = p_strdup(store->pool,
		mail_user_home_expand(user, set->dict_file_path));
	settings_free(set);
	return 0;
}

static int key_store_init(struct mail_user *user, bool read,
			  struct key_store **store_r, const char **error_r)
{
	struct event *event = event_create(user->event);
	struct key_store *store;
	struct dict *dict;
	pool_t pool;
	int ret;

	settings_event_add_filter_name(event, "mail_attribute");
	ret = dict_init_auto(event, &dict, error_r);
	if (ret <= 0) {
		event_unref(&event);
		return ret;
	}

	/* may hold keys stored in the clear */
	pool = pool_alloconly_create_clean("pymailadmin key store", 16*1024);
	store = p_new(pool, struct key_store, 1);
	store->pool = pool;
	store->event = user->event;
	store->dict = dict;
	store->op_set = mail_user_get_dict_op_settings(user);
	p_array_init(&store->user_keys, pool, 4);
	p_array_init(&store->folder_keys, pool, 64);
	p_array_init(&store->shared_guids, pool, 4);

	if (key_store_get_file(store, user, event, error_r) < 0 ||
	    (read && store->unusable_reason == NULL &&
	     key_store_read(store, error_r) < 0)) {
		key_store_close(&store);
		event_unref(&event);
		return -1;
	}
	event_unref(&event);
	*store_r = store;
	return 1;
}

int key_store_open(struct mail_user *user, struct key_store **store_r,
		   const char **error_r)
{
	return key_store_init(user, TRUE, store_r, error_r);
}

int key_store_open_unread(struct mail_user *user, struct key_store **store_r,
			  const char **error_r)
{
	return key_store_init(user, FALSE, store_r, error_r);
}

void key_store_close(struct key_store **_store)
{
	struct key_store *store = *_store;

	if (store == NULL)
		return;
	*_store = NULL;

	dict_deinit(&store->dict);
	pool_unref(&store->pool);
}

bool key_store_guid_is_shared(const struct key_store *store, const char *guid)
{
	const char *shared;

	array_foreach_elem(&store->shared_guids, shared) {
		if (strcmp(shared, guid) == 0)
			return TRUE;
	}
	return FALSE;
}

struct key_store_change *key_store_change_begin(struct key_store *store)
{
	struct key_store_change *change = i_new(struct key_store_change, 1);

	change->store = store;
	change->trans = dict_transaction_begin(store->dict, store->op_set);
	return change;
}

void key_store_change_set_private(struct key_store_change *change,
				  const struct crypt_key *key,
				  const char *wrapped)
{
	T_BEGIN {
		dict_set(change->trans,
			 attribute_path(DICT_PATH_PRIVATE, key,
					MAIL_CRYPT_PRIVKEYS, key->id),
			 wrapped);
	} T_END;
}

void key_store_change_set_public(struct key_store_change *change,
				 const struct crypt_key *key, const char *text)
{
	T_BEGIN {
		dict_set(change->trans,
			 attribute_path(DICT_PATH_SHARED, key,
					MAIL_CRYPT_PUBKEYS, key->id), text);
	} T_END;
}

void key_store_change_set_active(struct key_store_change *change,
				 const struct crypt_key *key)
{
	T_BEGIN {
		dict_set(change->trans,
			 attribute_path(DICT_PATH_SHARED, key,
					MAIL_CRYPT_ACTIVE, ""), key->id);
	} T_END;
}

void key_store_change_unset_active(struct key_store_change *change,
				   const struct crypt_key *key)
{
	T_BEGIN {
		dict_unset(change->trans,
			   attribute_path(DICT_PATH_SHARED, key,
					  MAIL_CRYPT_ACTIVE, ""));
	} T_END;
}

void key_store_change_remove(struct key_store_change *change,
			     const struct crypt_key *key)
{
	T_BEGIN {
		dict_unset(change->trans,
			   attribute_path(DICT_PATH_PRIVATE, key,
					  MAIL_CRYPT_PRIVKEYS, key->id));
		dict_unset(change->trans,
			   attribute_path(DICT_PATH_SHARED, key,
					  MAIL_CRYPT_PUBKEYS, key->id));
	} T_END;
}

/* The file driver's lock file of a process that was killed would be waited for
   a minute. Under the mailbox lock nobody writes here but by accident, and
   then for milliseconds: one that stays as it is while it is watched is
   nobody's. Its times say nothing, they may be another host's. */
static void dict_file_break_stale_lock(struct key_store *store)
{
	const char *path = t_strconcat(store->file_path, ".lock", NULL);
	const uint64_t begin = monotonic_time_msecs();
	struct stat st, seen;

	if (lstat(path, &seen) < 0)
		return;
	while (monotonic_time_msecs() - begin < DICT_LOCK_STALE_MSECS) {
		i_sleep_msecs(DICT_LOCK_POLL_MSECS);
		if (lstat(path, &st) < 0 || st.st_ino != seen.st_ino ||
		    st.st_ctime != seen.st_ctime ||
		    st.st_size != seen.st_size)
			return;
	}
	e_warning(store->event, "removing the lock file of a process that is "
		  "gone: %s", path);
	i_unlink_if_exists(path);
}

int key_store_change_commit(struct key_store_change **_change,
			    const char **error_r)
{
	struct key_store_change *change = *_change;
	struct key_store *store = change->store;
	const char *error;
	int ret;

	*_change = NULL;
	if (store->unusable_reason != NULL) {
		*error_r = store->unusable_reason;
		*_change = change;
		key_store_change_rollback(_change);
		return -1;
	}
	if (store->file_path != NULL)
		dict_file_break_stale_lock(store);
	ret = dict_transaction_commit(&change->trans, &error);
	i_free(change);
	if (ret <= 0) {
		/* the driver leaves its lock file if it cannot rename it */
		if (store->file_path != NULL)
			dict_file_break_stale_lock(store);
		*error_r = t_strdup_printf(
			"dict_transaction_commit() failed: %s",
			ret < 0 ? error : "key not found");
		return -1;
	}
	/* the file driver renames, and leaves the rest to the kernel */
	if (store->file_path != NULL)
		return file_sync_with_directory(store->file_path, error_r);
	return 0;
}

void key_store_change_rollback(struct key_store_change **_change)
{
	struct key_store_change *change = *_change;

	*_change = NULL;
	dict_transaction_rollback(&change->trans);
	i_free(change);
}
