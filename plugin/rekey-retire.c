#include "lib.h"
#include "array.h"
#include "hash.h"
#include "dcrypt.h"
#include "mail-file.h"
#include "mailbox-lock.h"
#include "pymailadmin-settings.h"
#include "storage-keys.h"
#include "rekey-shared.h"
#include "rekey-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * keys that are missing
 */

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

/* GUIDs of folders that have mail but no key. */
static bool find_missing_keys(struct rekey *rekey,
			      ARRAY_TYPE(const_string) *guids)
{
	const struct rekey_item *item;
	const char *error;

	array_clear(guids);
	if (rekey_list_read(rekey->list, FALSE, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "folders", "%s", error);
	array_foreach(rekey_list_get_items(rekey->list), item) {
		const char *guid = item->folder->guid;

		if (storage_keys_find_active(rekey->keys, guid) != NULL ||
		    array_lsearch(guids, &guid, i_strcmp_p) != NULL)
			continue;
		array_push_back(guids, &guid);
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

/*
 * proof
 */

struct proof_names {
	unsigned int count;
	enum rekey_dir first_dir, last_dir;
	char *first, *last;
};

/* By the time of the delivery, or by the UID. */
static int name_cmp(const char *a, const char *b)
{
	const size_t a_len = strcspn(a, ".,:"), b_len = strcspn(b, ".,:");

	if (str_begins_with(a, "u.") && str_begins_with(b, "u.") &&
	    strlen(a) != strlen(b))
		return strlen(a) < strlen(b) ? -1 : 1;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

static void proof_add_name(struct proof_names *names, enum rekey_dir dir,
			   const char *name)
{
	names->count++;
	if (names->first == NULL || name_cmp(name, names->first) < 0) {
		i_free(names->first);
		names->first = i_strdup(name);
		names->first_dir = dir;
	}
	if (names->last == NULL || name_cmp(name, names->last) > 0) {
		i_free(names->last);
		names->last = i_strdup(name);
		names->last_dir = dir;
	}
}

static void proof_read_names(const struct storage_folder *folder,
			     struct proof_names *names)
{
	enum rekey_dir dir;
	struct dirent *entry;
	const char *path;
	DIR *handle;

	for (dir = REKEY_DIR_CUR; dir <= REKEY_DIR_ALT; dir++) {
		if ((folder->format == STORAGE_FORMAT_MAILDIR) !=
		    (dir <= REKEY_DIR_NEW))
			continue;
		path = rekey_dir_path(folder, dir);
		if (path == NULL || (handle = opendir(path)) == NULL)
			continue;
		while ((entry = readdir(handle)) != NULL) {
			if (mail_file_name_is_mail(folder->format,
						   entry->d_name))
				proof_add_name(names, dir, entry->d_name);
		}
		(void)closedir(handle);
	}
}

/* Returns 1 if the mail opens, or what it needs stays, 0 if it does not
   open. */
static int proof_mail(struct rekey *rekey, const struct storage_folder *folder,
		      enum rekey_dir dir, const char *name,
		      const char **error_r)
{
	struct storage_key *key =
		storage_keys_find_active(rekey->keys, folder->guid);
	struct storage_key *other;
	struct mail_cipher_result result;
	struct mail_cipher_input input;
	struct dcrypt_private_key *priv;
	struct mail_file file;
	int dir_fd, ret;

	dir_fd = open(rekey_dir_path(folder, dir),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = dir_fd == -1 ? -1 :
		mail_file_open(dir_fd, name, folder->format, &file, error_r);
	i_close_fd(&dir_fd);
	if (ret <= 0) {
		rekey_keep_folder(rekey, folder->guid);
		return 1;
	}
	if (file.crypt == MAIL_FILE_ENCRYPTED &&
	    (key == NULL || strcmp(file.header.key_id, key->key->id) != 0)) {
		/* it has been left as it is */
		rekey_keep_folder(rekey, folder->guid);
		other = storage_keys_find(rekey->keys, file.header.key_id);
		if (other != NULL)
			rekey_keep_folder(rekey, other->key->guid);
	}
	if (key != NULL && file.crypt == MAIL_FILE_ENCRYPTED &&
	    strcmp(file.header.key_id, key->key->id) == 0) {
		input.fd = file.fd;
		input.offset = file.offset;
		input.size = file.size;
		ret = storage_key_open(rekey->keys, key, &priv, error_r);
		if (ret > 0)
			ret = mail_cipher_check(&input, priv, &result,
						error_r);
	}
	mail_file_close(&file);
	return ret;
}

/* Alternative storage that is not mounted looks like one without mail; its
   mails need the old keys. */
static void proof_is_complete(struct rekey *rekey,
			      const struct storage_folder *folder,
			      unsigned int files)
{
	unsigned int count;

	if (folder->format == STORAGE_FORMAT_MAILDIR ||
	    (rekey_folder_count_mails(rekey, folder, &count) == 0 &&
	     count <= files))
		return;
	rekey->incomplete++;
	rekey_keep_folder(rekey, folder->guid);
}

static int proof_folder(struct rekey *rekey,
			const struct storage_folder *folder,
			const char **error_r)
{
	struct proof_names names;
	const char *error;
	int ret = 1;

	i_zero(&names);
	proof_read_names(folder, &names);
	proof_is_complete(rekey, folder, names.count);
	if (names.first != NULL)
		ret = proof_mail(rekey, folder, names.first_dir, names.first,
				 &error);
	if (ret > 0 && names.last != NULL)
		ret = proof_mail(rekey, folder, names.last_dir, names.last,
				 &error);
	if (ret <= 0)
		*error_r = t_strdup_printf("%s: %s", folder->vname, error);
	i_free(names.first);
	i_free(names.last);
	return ret;
}

static bool proof(struct rekey *rekey)
{
	struct storage_folder *folder;
	const char *error;
	int ret = 1;

	array_foreach_elem(&rekey->folders->folders, folder) {
		T_BEGIN {
			ret = proof_folder(rekey, folder, &error);
		} T_END_PASS_STR_IF(ret <= 0, &error);
		if (ret <= 0)
			return rekey_end(rekey,
				ret < 0 ? REKEY_LATER : REKEY_DONE,
				"proof", "a mail does not open with the new "
				"keys, the old keys stay: %s", error);
	}
	return TRUE;
}

/*
 * keys that are not needed any more
 */

void rekey_keep_folder(struct rekey *rekey, const char *guid)
{
	guid = p_strdup(rekey->kept_pool, guid);
	array_push_back(&rekey->kept_guids, &guid);
}

void rekey_keep_nothing(struct rekey *rekey)
{
	array_clear(&rekey->kept_guids);
	p_clear(rekey->kept_pool);
}

static bool folder_is_known(struct rekey *rekey, const char *guid)
{
	struct storage_folder *folder;

	array_foreach_elem(&rekey->folders->folders, folder) {
		if (strcmp(folder->guid, guid) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Have the active keys changed since the mails were encrypted to them? */
static bool keys_are_the_same(const struct storage_keys *before,
			      struct rekey *rekey)
{
	struct storage_folder *folder;
	const struct storage_key *then, *now;

	array_foreach_elem(&rekey->folders->folders, folder) {
		then = storage_keys_find_active((struct storage_keys *)before,
						folder->guid);
		now = storage_keys_find_active(rekey->keys, folder->guid);
		if (then != NULL &&
		    (now == NULL || strcmp(then->key->id, now->key->id) != 0))
			return FALSE;
	}
	return TRUE;
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

bool rekey_reread_keys(struct rekey *rekey)
{
	struct storage_keys *old_keys = rekey->keys;
	struct key_store *old_store = rekey->store;
	bool ok;

	rekey->keys = NULL;
	rekey->store = NULL;
	ok = rekey_read_keys(rekey);
	if (ok && !keys_are_the_same(old_keys, rekey))
		ok = rekey_end(rekey, REKEY_LATER, "keys_changed",
			       "the keys have been changed meanwhile");
	storage_keys_free(&old_keys);
	key_store_close(&old_store);
	return ok;
}

bool rekey_retire_keys(struct rekey *rekey)
{
	ARRAY_TYPE(const_string) needed_ids;
	const char *error;

	t_array_init(&needed_ids, 8);
	get_needed_ids(rekey, &needed_ids);
	if (!rekey_reread_keys(rekey) || !proof(rekey))
		return FALSE;
	if (rekey->shared->sync_failed)
		return rekey_end(rekey, REKEY_LATER, "folders", "what was "
			"written may not be on the disk: fsync() failed");
	if (remove_keys(rekey, &needed_ids, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "keys_not_written",
				 "removing the old keys failed: %s", error);
	return TRUE;
}
