#ifndef STORAGE_VERIFY_PRIVATE_H
#define STORAGE_VERIFY_PRIVATE_H

/* What the parts share: storage-verify.c has directories of mails,
   storage-verify-mdbox.c mails in an mdbox. */

#include "hash-decl.h"
#include "storage-mdbox.h"
#include "storage-verify.h"

struct storage_verify {
	struct storage_verify_params params;
	unsigned int signals;

	/* NULL if the user has none */
	struct key_store *store;
	struct storage_keys *keys;

	/* The folder that is looked at. */
	const struct storage_folder *folder;
	struct storage_verify_counts counts;
	pool_t names_pool;
	/* Names of its mails, without what changes in them. */
	HASH_TABLE(char *, char *) names;
	bool keys_are_fresh;
	/* Mails are looked at that are not in the folder, nor in any other. */
	bool in_no_folder;

	/* Of folders looked at so far. */
	ARRAY_TYPE(storage_mdbox) mdboxes;
};

/* One of its directories; of an mdbox, of which it is one of many, a mail. */
struct verify_dir {
	const char *path;
	int fd;
};

bool storage_verify_is_stopped(const struct storage_verify *verify);
/* A mail has been opened, or has not; name is NULL if dir is its path. */
void storage_verify_file(struct storage_verify *verify,
			 const struct verify_dir *dir, const char *name,
			 const struct mail_file *file);
void storage_verify_failed(struct storage_verify *verify,
			   const struct verify_dir *dir, const char *name,
			   const char *error);
void storage_verify_show_progress(struct storage_verify *verify);

/* The folder is one of an mdbox. */
void storage_verify_mdbox_folder(struct storage_verify *verify);
void storage_verify_mdbox_deinit(struct storage_verify *verify);

#endif
