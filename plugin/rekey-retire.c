#include "lib.h"
#include "array.h"
#include "storage-keys.h"
#include "rekey-private.h"

static bool folder_is_known(struct rekey *rekey, const char *guid)
{
	struct storage_folder *folder;

	array_foreach_elem(&rekey->folders->folders, folder) {
		if (strcmp(folder->guid, guid) == 0)
			return TRUE;
	}
	return FALSE;
}

static bool key_is_needed(struct rekey *rekey, const struct crypt_key *key,
			  const ARRAY_TYPE(const_string) *needed_ids)
{
	return key->active || !folder_is_known(rekey, key->guid) ||
		array_lsearch(&rekey->kept_guids, &key->guid,
			      i_strcmp_p) != NULL ||
		key_store_guid_is_shared(rekey->store, key->guid) ||
		array_lsearch(needed_ids, &key->id, i_strcmp_p) != NULL;
}

static void get_needed_ids(struct rekey *rekey,
			   ARRAY_TYPE(const_string) *ids)
{
	struct crypt_key *key;
	const bool *needed;
	const char *id;

	array_foreach(&rekey->needed_keys, needed) {
		if (!*needed)
			continue;
		key = array_idx_elem(&rekey->store->folder_keys,
			array_foreach_idx(&rekey->needed_keys, needed));
		id = t_strdup(key->id);
		array_push_back(ids, &id);
	}
}

static int remove_keys(struct rekey *rekey,
		       const ARRAY_TYPE(const_string) *needed_ids,
		       const char **error_r)
{
	struct key_store_change *change = NULL;
	struct crypt_key *key;

	array_foreach_elem(&rekey->store->folder_keys, key) {
		if (key_is_needed(rekey, key, needed_ids))
			continue;
		if (change == NULL)
			change = key_store_change_begin(rekey->store);
		key_store_change_remove(change, key);
	}
	return change == NULL ? 0 : key_store_change_commit(&change, error_r);
}

bool rekey_retire_keys(struct rekey *rekey)
{
	ARRAY_TYPE(const_string) needed_ids;
	const char *error;

	t_array_init(&needed_ids, 8);
	get_needed_ids(rekey, &needed_ids);
	if (!rekey_reread_keys(rekey) || !rekey_prove(rekey))
		return FALSE;
	if (rekey->shared->sync_failed)
		return rekey_end(rekey, REKEY_LATER, "folders", "what was "
			"written may not be on the disk: fsync() failed");
	if (remove_keys(rekey, &needed_ids, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "keys_not_written",
				 "removing the old keys failed: %s", error);
	return TRUE;
}
