#include "lib.h"
#include "array.h"
#include "settings.h"
#include "str.h"
#include "mail-user.h"
#include "mailbox-lock.h"
#include "pymailadmin-settings.h"
#include "storage-keys.h"
#include "rekey-shared.h"
#include "rekey-private.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Mail that comes all the time, or clients that move it all the time. */
#define REKEY_MAX_PASSES 100
/* What may be left to do while others wait. */
#define REKEY_MAX_LOCKED_BYTES (32*1024*1024)
#define REKEY_MAX_ROUNDS 5

static bool rekey_take_lock(struct rekey *rekey)
{
	const char *path = t_strconcat(rekey->params.home, "/"REKEY_LOCK_NAME,
				       NULL);

	rekey->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			      0600);
	if (rekey->lock_fd == -1)
		return rekey_end(rekey, REKEY_LATER, "lock",
				 "open(%s) failed: %m", path);
	if (flock(rekey->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return TRUE;
	return rekey_end(rekey, REKEY_LATER, "busy",
			 "another process re-encrypts the mailbox");
}

static bool rekey_can_encrypt(struct rekey *rekey)
{
	const char *error;

	if (settings_get(rekey->params.user->event,
			 &pymailadmin_crypt_setting_parser_info, 0,
			 &rekey->crypt_set, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "settings", "%s", error);
	if (rekey->crypt_set->crypt_write_algorithm[0] == '\0')
		return rekey_end(rekey, REKEY_DONE, "storage_left",
			"stored mail is left as it is: mail_crypt does not "
			"encrypt new mail (crypt_write_algorithm)");
	if (rekey->crypt_set->crypt_global_public_key_file[0] != '\0')
		return rekey_end(rekey, REKEY_DONE, "storage_left",
			"stored mail is left as it is: mail_crypt encrypts to "
			"a global key");
	return TRUE;
}

static bool rekey_list_folders(struct rekey *rekey)
{
	struct storage_folders *folders;
	const char *error;

	if (storage_folders_list(rekey->params.user, &folders, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "folders",
				 "listing the folders failed: %s", error);
	if (rekey->list == NULL)
		rekey->list = rekey_list_init(folders);
	else
		rekey_list_set_folders(rekey->list, folders);
	if (rekey->folders != NULL)
		storage_folders_free(&rekey->folders);
	rekey->folders = folders;
	return TRUE;
}

static bool rekey_open(struct rekey *rekey)
{
	return rekey_take_lock(rekey) && rekey_can_encrypt(rekey) &&
		rekey_read_keys(rekey) && rekey_list_folders(rekey);
}

/* A folder that was renamed is elsewhere now, and one that was made has a
   key. */
static bool rekey_look_again(struct rekey *rekey)
{
	return rekey_list_folders(rekey) && rekey_reread_keys(rekey);
}

/* Until one changes nothing, or there have been too many. */
static bool rekey_passes(struct rekey *rekey)
{
	unsigned int passes = 0;

	do {
		if (rekey->shared->stop)
			return rekey_end(rekey, REKEY_STOPPED, "", "%s", "");
		if ((rekey->moved && !rekey_look_again(rekey)) ||
		    !rekey_pass(rekey))
			return FALSE;
	} while (rekey->progress > 0 && ++passes < REKEY_MAX_PASSES);
	return TRUE;
}

static void rekey_drop_caches(struct rekey *rekey)
{
	struct storage_folder *folder;

	if (!rekey->params.set->pymailadmin_rekey_drop_cache)
		return;
	array_foreach_elem(&rekey->folders->folders, folder) T_BEGIN {
		if (folder->index_path != NULL)
			i_unlink_if_exists(t_strconcat(folder->index_path,
				"/dovecot.index.cache", NULL));
	} T_END;
}

/* Bytes of mails that were not looked at yet. */
static bool rekey_count_left(struct rekey *rekey, uoff_t *bytes_r)
{
	const struct rekey_item *item;
	const char *error;

	*bytes_r = 0;
	if (rekey_list_read(rekey->list, FALSE, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "folders", "%s", error);
	array_foreach(rekey_list_get_items(rekey->list), item) {
		if (!item->again)
			*bytes_r += item->size;
	}
	return TRUE;
}

/* Under the lock. */
static bool rekey_finish_locked(struct rekey *rekey)
{
	if (!rekey_passes(rekey))
		return FALSE;
	if (rekey->progress > 0)
		return rekey_end(rekey, REKEY_LATER, "busy",
				 "the mails do not come to rest");
	if (!rekey_retire_keys(rekey))
		return FALSE;
	rekey_drop_caches(rekey);
	return TRUE;
}

/* Takes the lock when little is left to do under it. */
static bool rekey_finish(struct rekey *rekey)
{
	struct mailbox_lock *lock;
	unsigned int round;
	uoff_t left;
	bool ok;

	for (round = 0; round < REKEY_MAX_ROUNDS; round++) {
		if (!rekey_look_again(rekey) || !rekey_passes(rekey) ||
		    !rekey_lock_mailbox(rekey, &lock))
			return FALSE;
		ok = rekey_look_again(rekey) && rekey_count_left(rekey, &left);
		if (ok && left <= REKEY_MAX_LOCKED_BYTES) {
			rekey->locked = TRUE;
			ok = rekey_finish_locked(rekey);
			mailbox_lock_free(&lock);
			return ok;
		}
		mailbox_lock_free(&lock);
		if (!ok)
			return FALSE;
	}
	return rekey_end(rekey, REKEY_LATER, "busy",
			 "folders are renamed or filled all the time");
}

/* Folders the keys of which others have, too. */
static unsigned int rekey_count_shared(const struct rekey *rekey)
{
	struct storage_folder *folder;
	unsigned int count = 0;

	array_foreach_elem(&rekey->folders->folders, folder) {
		if (key_store_guid_is_shared(rekey->store, folder->guid))
			count++;
	}
	return count;
}

static void rekey_say_what_is_left(struct rekey *rekey)
{
	const unsigned int shared = rekey_count_shared(rekey);
	string_t *str = t_str_new(256);
	const char *refusal;

	if (rekey->failed > 0)
		str_printfa(str, "%u mails could not be encrypted anew, the "
			    "keys they need stay; ", rekey->failed);
	if (rekey->incomplete > 0)
		str_printfa(str, "%u folders have mail that is not where it "
			    "should be, their keys stay; ", rekey->incomplete);
	if (rekey->unreadable > 0)
		str_printfa(str, "%u mails are damaged or under keys that are "
			    "not there; ", rekey->unreadable);
	if (shared > 0)
		str_printfa(str, "%u folders are shared with others by ACL, "
			    "they keep their keys and their mail stays under "
			    "them; ", shared);
	array_foreach_elem(&rekey->folders->refusals, refusal)
		str_printfa(str, "%s; ", refusal);
	if (str_len(str) > 0)
		str_truncate(str, str_len(str) - 2);
	(void)rekey_end(rekey, REKEY_DONE,
			str_len(str) == 0 ? "done" : "storage_left",
			"%s", str_c(str));
}

void rekey_run(const struct rekey_params *params)
{
	struct rekey rekey = {
		.params = *params,
		.event = params->event,
		.shared = params->shared,
		.parent = getppid(),
		.lock_fd = -1,
	};
	struct storage_folder *folder;

	i_array_init(&rekey.needed_keys, 64);
	i_array_init(&rekey.kept_guids, 4);
	rekey.kept_pool = pool_alloconly_create("pymailadmin kept keys", 1024);
	if (rekey_open(&rekey) && rekey_make_missing_keys(&rekey)) {
		array_foreach_elem(&rekey.folders->folders, folder) {
			if (!rekey.shared->stop &&
			    folder->format != STORAGE_FORMAT_MDBOX)
				rekey_folder_cache_save_dates(&rekey, folder);
		}
		if (rekey_passes(&rekey) && rekey_finish(&rekey))
			rekey_say_what_is_left(&rekey);
	}
	storage_keys_free(&rekey.keys);
	key_store_close(&rekey.store);
	rekey_list_free(&rekey.list);
	if (rekey.folders != NULL)
		storage_folders_free(&rekey.folders);
	settings_free(rekey.crypt_set);
	array_free(&rekey.needed_keys);
	array_free(&rekey.kept_guids);
	pool_unref(&rekey.kept_pool);
	i_close_fd(&rekey.lock_fd);
}
