#ifndef REKEY_WORKER_H
#define REKEY_WORKER_H

/* Re-encrypts mails of a list, each to the active key of its folder: a new
   file beside the old one, synced, then exchanged with it by name, then the old
   one is unlinked. At any moment the mail's name leads to a whole file; a name
   that has been taken away meanwhile (a flag changed, an expunge) is left
   alone. Of an mdbox, files are moved (mdbox-move.h). Several processes may
   work on the same items: each item is taken by one.

   To be called with the privileges of the mail user. */

#include "rekey-list.h"

struct pymailadmin_settings;
struct rekey_shared;
struct storage_keys;

struct rekey_batch_item;

/* Replaces the file of a mail by the new one, where files cannot be exchanged.
   Returns 1 if done, 0 if the mail is not there any more, -1 on error. */
typedef int rekey_replace_callback_t(const struct rekey_item *item,
				     const char *temp_path, const char *path,
				     uint64_t inode, void *context,
				     const char **error_r);

struct rekey_worker_params {
	struct event *event;
	const struct pymailadmin_settings *set;
	struct rekey_shared *shared;
	struct storage_keys *keys;
	/* crypt_write_algorithm */
	const char *algorithm;
	const ARRAY_TYPE(rekey_item) *items;
	/* Shared by all workers: results of the items, and the index of the
	   next one to take. */
	struct rekey_item_result *results;
	atomic_ullong *next;
	/* And by index of the key: a mail of an mdbox that was left as it is
	   needs it. */
	atomic_uchar *needed_keys;
	/* The mailbox is locked: others wait. */
	bool locked;
	/* This process does other things afterwards. */
	bool inline_worker;
	/* NULL: exchange them. */
	rekey_replace_callback_t *replace;
	void *replace_context;
};

/* Returns when no item is left, or the shared state says to stop. What became
   of each item is in the results; causes are logged. */
void rekey_worker_run(const struct rekey_worker_params *params);

#endif
