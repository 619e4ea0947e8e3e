#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "mailbox-lock.h"
#include "pymailadmin-settings.h"
#include "storage-keys.h"
#include "rekey-private.h"

static const char *inbox_guid(struct rekey *rekey)
{
	struct storage_folder *folder;

	array_foreach_elem(&rekey->folders->folders, folder) {
		if (strcmp(folder->vname, "INBOX") == 0)
			return folder->guid;
	}
	return "";
}

/* The one Dovecot takes, which hangs on INBOX, if it is one that opens. */
static struct crypt_key *active_user_key(struct rekey *rekey)
{
	const char *guid = inbox_guid(rekey);
	struct crypt_key *key;

	array_foreach_elem(&rekey->store->user_keys, key) {
		if (key->active && key->public_text != NULL &&
		    strcmp(key->guid, guid) == 0 &&
		    storage_keys_get_user(rekey->keys, key->id) != NULL)
			return key;
	}
	return NULL;
}

/* What was wrapped must open again. */
static int check_folder_key(struct rekey *rekey, struct crypt_key key,
			    const char *wrapped, const char *user_key_id,
			    const char **error_r)
{
	struct dcrypt_private_key *priv;

	key.wrapped = wrapped;
	if (crypt_key_open(&key, NULL,
			   storage_keys_get_user(rekey->keys, user_key_id),
			   &priv, error_r) <= 0)
		return -1;
	dcrypt_key_unref_private(&priv);
	return 0;
}

static int make_folder_key(struct rekey *rekey,
			   struct key_store_change *change,
			   struct dcrypt_public_key *user_pub,
			   const char *user_key_id, const char *guid,
			   const char **error_r)
{
	struct crypt_key key = { .guid = guid, .active = TRUE };
	struct dcrypt_private_key *priv;
	struct dcrypt_public_key *pub;
	const char *wrapped, *text;
	pool_t pool = pool_datastack_create();
	int ret;

	if (crypt_key_generate(pool, rekey->crypt_set->crypt_user_key_curve,
			       &key.id, &priv, &pub, error_r) < 0)
		return -1;
	ret = crypt_key_wrap(pool, priv, NULL, user_pub, &wrapped, error_r);
	if (ret == 0)
		ret = check_folder_key(rekey, key, wrapped, user_key_id,
				       error_r);
	if (ret == 0)
		ret = crypt_key_store_public(pool, pub, &text, error_r);
	if (ret == 0) {
		key_store_change_set_private(change, &key, wrapped);
		key_store_change_set_public(change, &key, text);
		key_store_change_set_active(change, &key);
	}
	dcrypt_key_unref_private(&priv);
	dcrypt_key_unref_public(&pub);
	return ret;
}

static int make_folder_keys(struct rekey *rekey,
			    const ARRAY_TYPE(const_string) *guids,
			    const char **error_r)
{
	const struct crypt_key *user_key = active_user_key(rekey);
	struct dcrypt_public_key *user_pub;
	struct key_store_change *change;
	const char *guid;

	if (user_key == NULL) {
		*error_r = "there is no active user key that opens";
		return -1;
	}
	if (!dcrypt_key_load_public(&user_pub, user_key->public_text, error_r))
		return -1;
	change = key_store_change_begin(rekey->store);
	array_foreach_elem(guids, guid) {
		if (make_folder_key(rekey, change, user_pub, user_key->id,
				    guid, error_r) < 0) {
			dcrypt_key_unref_public(&user_pub);
			key_store_change_rollback(&change);
			return -1;
		}
	}
	dcrypt_key_unref_public(&user_pub);
	return key_store_change_commit(&change, error_r);
}

static void add_if_missing(struct rekey *rekey,
			   const struct storage_folder *folder,
			   ARRAY_TYPE(const_string) *guids)
{
	if (storage_keys_find_active(rekey->keys, folder->guid) == NULL &&
	    array_lsearch(guids, &folder->guid, i_strcmp_p) == NULL)
		array_push_back(guids, &folder->guid);
}

/* GUIDs of folders that have mail but no key. */
static bool find_missing_keys(struct rekey *rekey,
			      ARRAY_TYPE(const_string) *guids)
{
	const struct storage_mdbox_ref *ref;
	const struct rekey_item *item;
	struct storage_mdbox *mdbox;
	const char *error;

	array_clear(guids);
	if (rekey_list_read(rekey->list, FALSE, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "folders", "%s", error);
	array_foreach(rekey_list_get_items(rekey->list), item) {
		if (item->mdbox == NULL)
			add_if_missing(rekey, item->folder, guids);
	}
	array_foreach_elem(rekey_list_get_mdboxes(rekey->list), mdbox) {
		array_foreach(&mdbox->refs, ref)
			add_if_missing(rekey, ref->folder, guids);
	}
	return TRUE;
}

bool rekey_make_missing_keys(struct rekey *rekey)
{
	ARRAY_TYPE(const_string) guids;
	struct mailbox_lock *lock;
	const char *error;
	bool ok;

	t_array_init(&guids, 8);
	if (!find_missing_keys(rekey, &guids))
		return FALSE;
	if (array_is_empty(&guids))
		return TRUE;
	if (rekey->crypt_set->crypt_user_key_curve[0] == '\0')
		return rekey_end(rekey, REKEY_DONE, "storage_left",
			"stored mail is left as it is: folders have no keys, "
			"and without crypt_user_key_curve none are made");
	if (!rekey_lock_mailbox(rekey, &lock))
		return FALSE;
	/* a delivery may have made some meanwhile */
	ok = rekey_read_keys(rekey) && find_missing_keys(rekey, &guids);
	if (ok && !array_is_empty(&guids) &&
	    make_folder_keys(rekey, &guids, &error) < 0)
		ok = rekey_end(rekey, REKEY_LATER, "keys_not_written",
			       "making folder keys failed: %s", error);
	mailbox_lock_free(&lock);
	return ok && rekey_read_keys(rekey);
}
