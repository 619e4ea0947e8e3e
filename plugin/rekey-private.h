#ifndef REKEY_PRIVATE_H
#define REKEY_PRIVATE_H

/* What the parts of a re-encryption share: rekey.c has its course, rekey-pass.c
   one pass with its workers, rekey-new-keys.c and rekey-retire.c what is done
   with the keys, rekey-proof.c the proof before that, rekey-folder.c what needs
   a folder opened by Dovecot, and rekey-state.c what all of them use. */

#include "key-store.h"
#include "rekey.h"
#include "rekey-list.h"
#include "rekey-shared.h"

struct mailbox;
struct mailbox_lock;
struct pymailadmin_crypt_settings;
struct storage_keys;

struct rekey {
	struct rekey_params params;
	struct event *event;
	struct rekey_shared *shared;
	pid_t parent;
	const struct pymailadmin_crypt_settings *crypt_set;

	struct storage_folders *folders;
	struct key_store *store;
	struct storage_keys *keys;
	struct rekey_list *list;
	int lock_fd;

	/* Of the last pass: mails that changed, and what is left. */
	unsigned int progress, failed, unreadable;
	/* By index of the key: a mail that was left as it is needs it. */
	ARRAY(bool) needed_keys;
	/* GUIDs of folders all keys of which must stay. */
	pool_t kept_pool;
	ARRAY_TYPE(const_string) kept_guids;
	/* Folders that have more mail than files. */
	unsigned int incomplete;
	/* The mailbox lock is held. */
	bool locked;
	/* Mails were not where they had been. */
	bool moved;
	bool temp_removed, replace_locked;
};

/* No key of the folder is removed. */
void rekey_keep_folder(struct rekey *rekey, const char *guid);
void rekey_keep_nothing(struct rekey *rekey);

/* Leaves the result for whoever asked; returns FALSE. */
bool rekey_end(struct rekey *rekey, enum rekey_result result,
	       const char *outcome, const char *fmt, ...) ATTR_FORMAT(4, 5);

/* Takes the mailbox lock exclusively. Returns FALSE after rekey_end(). */
bool rekey_lock_mailbox(struct rekey *rekey, struct mailbox_lock **lock_r);

/* One pass over what is not known to be current. Returns FALSE after
   rekey_end(). */
bool rekey_pass(struct rekey *rekey);

/* Makes keys for folders that have mail and none. Returns FALSE after
   rekey_end(). */
bool rekey_make_missing_keys(struct rekey *rekey);
/* Proves that the first and the newest mail of each folder open with the keys
   as they have been read, or that what they need stays. Returns FALSE after
   rekey_end(). */
bool rekey_prove(struct rekey *rekey);
/* Under the mailbox lock: proves that the mail opens with the keys on the disk,
   then removes those that no mail needs. Returns FALSE after rekey_end(). */
bool rekey_retire_keys(struct rekey *rekey);
/* Reads the keys, again if they have been read. Returns FALSE after
   rekey_end(). */
bool rekey_read_keys(struct rekey *rekey);
/* Reads them again. Returns FALSE after rekey_end(), also if mails have been
   encrypted to keys that are not the active ones any more. */
bool rekey_reread_keys(struct rekey *rekey);

/* Opens the user's folder. Returns NULL if it is not there any more, or does
   not open (logged). */
struct mailbox *
rekey_folder_open(struct rekey *rekey, const struct storage_folder *folder);
/* Puts the save dates of its mails into the cache; else a mail's is the time
   its file was changed last. */
void rekey_folder_cache_save_dates(struct rekey *rekey,
				   const struct storage_folder *folder);
/* Records the size of a plain maildir mail whose name does not have it. Returns
   1 if recorded, 0 if the mail is gone, -1 on error. */
int rekey_folder_record_size(struct rekey *rekey, struct mailbox *box,
			     const struct rekey_item *item,
			     const char **error_r);
/* How many mails Dovecot's index says the folder has. Returns 0, or -1 if that
   cannot be said. */
int rekey_folder_count_mails(struct rekey *rekey,
			     const struct storage_folder *folder,
			     unsigned int *count_r);
/* rekey_replace_callback_t under the locks of the folder's format. */
int rekey_folder_replace(const struct rekey_item *item, const char *temp_path,
			 const char *path, uint64_t inode, void *context,
			 const char **error_r);

#endif
