#ifndef REKEY_BATCH_H
#define REKEY_BATCH_H

/* New files of mails, written beside the old ones and put into their place
   together, so that they reach the disk together. One thread, one process. */

#include "rekey-worker.h"

struct mail_file;
struct rekey_batch;

/* What became of a mail: ret is 1 if its file was replaced by the one with the
   inode, 0 if it is not there any more, -1 on error. */
typedef void rekey_batch_callback_t(unsigned int idx, int ret, uint64_t inode,
				    uoff_t size, const char *error,
				    void *context);

struct rekey_batch_params {
	struct rekey_shared *shared;
	const ARRAY_TYPE(rekey_item) *items;
	rekey_replace_callback_t *replace;
	void *replace_context;
	rekey_batch_callback_t *callback;
	void *context;
};

struct rekey_batch *rekey_batch_init(const struct rekey_batch_params *params);
/* Removes what was not committed. */
void rekey_batch_deinit(struct rekey_batch **batch);

/* Opens the item's directory; commits what is of another one before. Returns 1
   if opened, 0 if it is not there any more, -1 on error. */
int rekey_batch_enter(struct rekey_batch *batch, const struct rekey_item *item,
		      int *dir_fd_r, const char **error_r);
/* A new file for the item, to be written to and then either added or dropped;
   *fd_r is the batch's. Returns 0, or -1 on error. */
int rekey_batch_create_file(struct rekey_batch *batch,
			    const struct rekey_item *item, int *fd_r,
			    const char **error_r);
void rekey_batch_drop_file(struct rekey_batch *batch);
/* The new file is written; commits if there are enough. */
void rekey_batch_add(struct rekey_batch *batch, unsigned int idx,
		     const struct mail_file *file);
/* Syncs the new files, puts them into their places, removes the old ones. */
void rekey_batch_commit(struct rekey_batch *batch);

#endif
