#include "lib.h"
#include "array.h"
#include "mail-file.h"
#include "storage-keys.h"
#include "rekey-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

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
