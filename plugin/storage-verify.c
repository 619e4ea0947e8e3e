#include "lib.h"
#include "array.h"
#include "hash.h"
#include "lib-signals.h"
#include "mail-user.h"
#include "key-store.h"
#include "storage-keys.h"
#include "storage-verify-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* A directory in which something is renamed all the time is read so often. */
#define MAX_PASSES 10

static void verify_close_keys(struct storage_verify *verify)
{
	storage_keys_free(&verify->keys);
	key_store_close(&verify->store);
}

static int verify_open_keys(struct storage_verify *verify, const char **error_r)
{
	int ret;

	/* also for headers of mails when there are no keys */
	if (crypt_key_init(error_r) < 0)
		return -1;
	ret = key_store_open(verify->params.user, &verify->store, error_r);
	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	if (verify->store->unusable_reason != NULL) {
		*error_r = t_strdup(verify->store->unusable_reason);
		return -1;
	}
	/* without a user key there is nothing to open */
	if (array_is_empty(&verify->store->user_keys))
		return storage_keys_init(verify->store, NULL, &verify->keys,
					 error_r) < 0 ? -1 : 1;
	if (storage_keys_init(verify->store, verify->params.key_password,
			      &verify->keys, error_r) < 0)
		return verify->params.key_password == NULL ? -1 : 0;
	return 1;
}

int storage_verify_init(const struct storage_verify_params *params,
			struct storage_verify **verify_r, const char **error_r)
{
	struct storage_verify *verify = i_new(struct storage_verify, 1);
	int ret;

	verify->params = *params;
	verify->signals = signal_term_counter;
	ret = verify_open_keys(verify, error_r);
	if (ret <= 0)
		storage_verify_deinit(&verify);
	else
		*verify_r = verify;
	return ret;
}

void storage_verify_deinit(struct storage_verify **_verify)
{
	struct storage_verify *verify = *_verify;

	if (verify == NULL)
		return;
	*_verify = NULL;
	storage_verify_mdbox_deinit(verify);
	verify_close_keys(verify);
	mail_cipher_deinit();
	i_free(verify);
}

bool storage_verify_is_stopped(const struct storage_verify *verify)
{
	return verify->signals != signal_term_counter;
}

static void verify_event(struct storage_verify *verify,
			 enum storage_verify_event event,
			 const struct verify_dir *dir, const char *name,
			 const char *reason)
{
	const char *path = name == NULL ? dir->path :
		t_strconcat(dir->path, "/", name, NULL);

	if (verify->in_no_folder)
		return;

	verify->params.event(event, verify->folder, path, reason,
			     verify->params.context);
}

/* A change of the password may have made keys since they were read. Asked once
   for each folder. */
static bool verify_refresh_keys(struct storage_verify *verify,
				const struct verify_dir *dir)
{
	struct key_store *store = verify->store;
	struct storage_keys *keys = verify->keys;
	const char *error;

	if (verify->keys_are_fresh)
		return FALSE;
	verify->keys_are_fresh = TRUE;
	verify->store = NULL;
	verify->keys = NULL;
	if (verify_open_keys(verify, &error) > 0) {
		storage_keys_free(&keys);
		key_store_close(&store);
		return TRUE;
	}
	/* as after a change of the very password: those from before do */
	verify_close_keys(verify);
	verify->store = store;
	verify->keys = keys;
	e_debug(verify->params.user->event, "%s: keys cannot be read again: %s",
		dir->path, error);
	return FALSE;
}

static struct storage_key *
verify_find_key(struct storage_verify *verify, const struct verify_dir *dir,
		const char *id)
{
	struct storage_key *key = NULL;

	if (verify->keys != NULL)
		key = storage_keys_find(verify->keys, id);
	if (key == NULL && verify_refresh_keys(verify, dir) &&
	    verify->keys != NULL)
		key = storage_keys_find(verify->keys, id);
	return key;
}

/* Returns 1 if it is whole, 0 if not, -1 if it cannot be read. */
static int verify_decrypt(struct storage_verify *verify,
			  const struct mail_file *file,
			  struct storage_key *key, const char **error_r)
{
	const struct mail_cipher_input input = {
		.fd = file->fd,
		.offset = file->offset,
		.size = file->size,
	};
	struct dcrypt_private_key *priv;
	struct mail_cipher_result result;
	int ret;

	if (verify->params.key_password == NULL)
		return 1;
	ret = storage_key_open(verify->keys, key, &priv, error_r);
	return ret <= 0 ? ret :
		mail_cipher_check(&input, priv, &result, error_r);
}

static void verify_encrypted(struct storage_verify *verify,
			     const struct verify_dir *dir, const char *name,
			     const struct mail_file *file)
{
	const char *id = file->header.key_id, *error;
	struct storage_key *key = verify_find_key(verify, dir, id);
	int ret;

	if (key == NULL) {
		verify->counts.unknown++;
		verify_event(verify, STORAGE_VERIFY_UNKNOWN, dir, name, id);
		return;
	}
	ret = verify_decrypt(verify, file, key, &error);
	if (ret < 0) {
		verify->counts.failed++;
		verify_event(verify, STORAGE_VERIFY_FAILED, dir, name, error);
	} else if (ret == 0) {
		verify->counts.damaged++;
		verify_event(verify, STORAGE_VERIFY_DAMAGED, dir, name, error);
	} else if (storage_keys_find_active(verify->keys,
			verify->in_no_folder ? key->key->guid :
			verify->folder->guid) == key) {
		verify->counts.current++;
	} else {
		verify->counts.retired++;
	}
}

void storage_verify_file(struct storage_verify *verify,
			 const struct verify_dir *dir, const char *name,
			 const struct mail_file *file)
{
	verify->counts.bytes += file->format == STORAGE_FORMAT_MDBOX ?
		file->record_end - file->record_offset :
		(uoff_t)file->st.st_size;
	if (file->has_attachment_refs)
		verify->counts.with_attachments++;
	switch (file->crypt) {
	case MAIL_FILE_ENCRYPTED:
		verify_encrypted(verify, dir, name, file);
		break;
	case MAIL_FILE_PLAIN:
		verify->counts.plain++;
		break;
	case MAIL_FILE_DAMAGED:
		verify->counts.damaged++;
		verify_event(verify, STORAGE_VERIFY_DAMAGED, dir, name,
			     file->error);
		break;
	}
}

void storage_verify_failed(struct storage_verify *verify,
			   const struct verify_dir *dir, const char *name,
			   const char *error)
{
	verify->counts.failed++;
	verify_event(verify, STORAGE_VERIFY_FAILED, dir, name, error);
}

void storage_verify_show_progress(struct storage_verify *verify)
{
	if (verify->params.progress != NULL)
		verify->params.progress(&verify->counts,
					verify->params.context);
}

/* A maildir's mail is renamed when its flags change. */
static char *verify_key_of_name(struct storage_verify *verify,
				const char *name)
{
	if (verify->folder->format == STORAGE_FORMAT_MAILDIR)
		name = t_strcut(name, ':');
	return p_strdup(verify->names_pool, name);
}

/* Returns TRUE if something was found that was not there before, or is not
   there any more. */
static bool verify_name(struct storage_verify *verify,
			const struct verify_dir *dir, const char *name)
{
	struct mail_file file;
	const char *error;
	char *key;
	int ret;

	if (!mail_file_name_is_mail(verify->folder->format, name))
		return FALSE;
	key = verify_key_of_name(verify, name);
	if (hash_table_lookup(verify->names, key) != NULL)
		return FALSE;
	ret = mail_file_open(dir->fd, name, verify->folder->format, &file,
			     &error);
	if (ret == 0)
		return TRUE;
	hash_table_insert(verify->names, key, key);
	if (ret < 0) {
		storage_verify_failed(verify, dir, name, error);
	} else {
		storage_verify_file(verify, dir, name, &file);
		mail_file_close(&file);
	}
	storage_verify_show_progress(verify);
	return TRUE;
}

static void verify_dir_failed(struct storage_verify *verify,
			      struct verify_dir *dir, const char *what)
{
	/* a folder that goes takes its mails with it */
	if (errno == ENOENT)
		return;
	verify->counts.failed++;
	verify_event(verify, STORAGE_VERIFY_FAILED, dir, NULL,
		     t_strdup_printf("%s() failed: %m", what));
}

static bool verify_dir(struct storage_verify *verify, const char *path)
{
	struct verify_dir dir = { .path = path };
	struct dirent *entry;
	bool changed = FALSE;
	DIR *dirp;

	dirp = opendir(path);
	if (dirp == NULL) {
		verify_dir_failed(verify, &dir, "opendir");
		return FALSE;
	}
	dir.fd = dirfd(dirp);
	errno = 0;
	while (!storage_verify_is_stopped(verify) &&
	       (entry = readdir(dirp)) != NULL) {
		T_BEGIN {
			if (verify_name(verify, &dir, entry->d_name))
				changed = TRUE;
		} T_END;
		errno = 0;
	}
	if (errno != 0)
		verify_dir_failed(verify, &dir, "readdir");
	(void)closedir(dirp);
	return changed;
}

static bool verify_pass(struct storage_verify *verify)
{
	const struct storage_folder *folder = verify->folder;
	bool changed;

	if (folder->format == STORAGE_FORMAT_MAILDIR) {
		changed = verify_dir(verify, t_strconcat(folder->path, "/new",
							 NULL));
		return verify_dir(verify, t_strconcat(folder->path, "/cur",
						      NULL)) || changed;
	}
	changed = verify_dir(verify, folder->path);
	if (folder->alt_path != NULL)
		changed = verify_dir(verify, folder->alt_path) || changed;
	return changed;
}

static void verify_directories(struct storage_verify *verify)
{
	unsigned int pass = 0;
	bool changed;

	verify->names_pool = pool_alloconly_create("pymailadmin mail names",
						   16*1024);
	hash_table_create(&verify->names, default_pool, 0, str_hash, strcmp);
	do T_BEGIN {
		changed = verify_pass(verify);
	} T_END; while (changed && ++pass < MAX_PASSES);
	hash_table_destroy(&verify->names);
	pool_unref(&verify->names_pool);
}

int storage_verify_folder(struct storage_verify *verify,
			  const struct storage_folder *folder,
			  struct storage_verify_counts *counts_r)
{
	verify->folder = folder;
	verify->keys_are_fresh = FALSE;
	verify->in_no_folder = FALSE;
	i_zero(&verify->counts);
	if (folder->format == STORAGE_FORMAT_MDBOX)
		storage_verify_mdbox_folder(verify);
	else
		verify_directories(verify);
	*counts_r = verify->counts;
	return storage_verify_is_stopped(verify) ? -1 : 0;
}

bool storage_verify_is_shared(const struct storage_verify *verify,
			      const struct storage_folder *folder)
{
	return verify->store != NULL &&
		key_store_guid_is_shared(verify->store, folder->guid);
}
