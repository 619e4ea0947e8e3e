#include "lib.h"
#include "array.h"
#include "mail-file.h"
#include "storage-keys.h"
#include "rekey-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

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
   open, -1 on error. */
static int proof_mail(struct rekey *rekey, const struct storage_folder *folder,
		      const struct mail_file *file, const char **error_r)
{
	const struct mail_cipher_input input = {
		.fd = file->fd,
		.offset = file->offset,
		.size = file->size,
	};
	struct storage_key *key =
		storage_keys_find_active(rekey->keys, folder->guid);
	struct storage_key *other;
	struct mail_cipher_result result;
	struct dcrypt_private_key *priv;
	int ret;

	if (file->crypt != MAIL_FILE_ENCRYPTED)
		return 1;
	if (key == NULL || strcmp(file->header.key_id, key->key->id) != 0) {
		/* it has been left as it is */
		rekey_keep_folder(rekey, folder->guid);
		other = storage_keys_find(rekey->keys, file->header.key_id);
		if (other != NULL)
			rekey_keep_folder(rekey, other->key->guid);
		return 1;
	}
	ret = storage_key_open(rekey->keys, key, &priv, error_r);
	return ret <= 0 ? ret :
		mail_cipher_check(&input, priv, &result, error_r);
}

static int proof_file(struct rekey *rekey, const struct storage_folder *folder,
		      enum rekey_dir dir, const char *name,
		      const char **error_r)
{
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
	ret = proof_mail(rekey, folder, &file, error_r);
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

static int proof_files(struct rekey *rekey, const struct storage_folder *folder,
		       const char **error_r)
{
	struct proof_names names;
	int ret = 1;

	i_zero(&names);
	proof_read_names(folder, &names);
	proof_is_complete(rekey, folder, names.count);
	if (names.first != NULL)
		ret = proof_file(rekey, folder, names.first_dir, names.first,
				 error_r);
	if (ret > 0 && names.last != NULL)
		ret = proof_file(rekey, folder, names.last_dir, names.last,
				 error_r);
	i_free(names.first);
	i_free(names.last);
	return ret;
}

/*
 * mdbox
 */

/* Opens the mail of an mdbox. Of one that cannot be found, keys stay. */
static int proof_map_uid(struct rekey *rekey,
			 const struct storage_folder *folder,
			 struct storage_mdbox *mdbox, uint32_t map_uid,
			 bool *found_r, const char **error_r)
{
	struct mail_file file;
	const char *path;
	int ret;

	*found_r = storage_mdbox_open_mail(mdbox, map_uid, &file, &path,
					   error_r) > 0;
	if (!*found_r)
		return 1;
	ret = proof_mail(rekey, folder, &file, error_r);
	mail_file_close(&file);
	return ret;
}

static bool mdbox_has_all(struct storage_mdbox *mdbox,
			  const ARRAY_TYPE(uint32_t) *map_uids)
{
	const uint32_t *map_uid;

	array_foreach(map_uids, map_uid) {
		if (!storage_mdbox_has_mail(mdbox, *map_uid))
			return FALSE;
	}
	return TRUE;
}

static int proof_mdbox_folder(struct rekey *rekey,
			      const struct storage_folder *folder,
			      struct storage_mdbox *mdbox,
			      const char **error_r)
{
	ARRAY_TYPE(uint32_t) map_uids;
	bool first_found = TRUE, last_found = TRUE;
	int ret = 1;

	i_array_init(&map_uids, 256);
	if (storage_mdbox_read_folder(mdbox, folder, &map_uids, error_r) < 0) {
		first_found = FALSE;
	} else if (!array_is_empty(&map_uids)) {
		ret = proof_map_uid(rekey, folder, mdbox,
				    *array_front(&map_uids),
				    &first_found, error_r);
		if (ret > 0)
			ret = proof_map_uid(rekey, folder, mdbox,
				*array_back(&map_uids), &last_found, error_r);
	}
	if (!first_found || !last_found || !mdbox_has_all(mdbox, &map_uids)) {
		rekey->incomplete++;
		rekey_keep_folder(rekey, folder->guid);
	}
	array_free(&map_uids);
	return ret;
}

static int proof_folder(struct rekey *rekey,
			const struct storage_folder *folder,
			const char **error_r)
{
	struct storage_mdbox *mdbox;
	const char *error;
	int ret = 1;

	if (folder->mdbox == NULL)
		ret = proof_files(rekey, folder, &error);
	else array_foreach_elem(rekey_list_get_mdboxes(rekey->list), mdbox) {
		if (mdbox->place == folder->place)
			ret = proof_mdbox_folder(rekey, folder, mdbox, &error);
	}
	if (ret <= 0)
		*error_r = t_strdup_printf("%s: %s", folder->vname, error);
	return ret;
}

bool rekey_prove(struct rekey *rekey)
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
