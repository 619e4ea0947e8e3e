#ifndef STORAGE_VERIFY_H
#define STORAGE_VERIFY_H

/* Proves to which keys the stored mail of a user is encrypted. Nothing is
   changed, and nobody is kept waiting. One thread, with the privileges of the
   mail user. */

#include "storage-folder.h"

struct mail_user;

struct storage_verify_counts {
	/* By key: that of new mail in its folder; another one of the user; one
	   the user does not have; none. */
	uint64_t current, retired, unknown, plain;
	/* Nobody can read them. */
	uint64_t damaged;
	/* What could not be looked at. */
	uint64_t failed;
	/* Of all these as they are stored. */
	uint64_t bytes;
	/* Have parts in files of their own, which mail_crypt leaves plain. */
	uint64_t with_attachments;
};

/* A mail about which there is more to say than its number. */
enum storage_verify_event {
	STORAGE_VERIFY_UNKNOWN,
	STORAGE_VERIFY_DAMAGED,
	STORAGE_VERIFY_FAILED
};

/* The path is that of a mail, or of a directory that cannot be read. The
   reason of an unknown mail is its key's id. */
typedef void
storage_verify_event_t(enum storage_verify_event event,
		       const struct storage_folder *folder, const char *path,
		       const char *reason, void *context);
/* Called after each mail. */
typedef void
storage_verify_progress_t(const struct storage_verify_counts *counts,
			  void *context);

struct storage_verify_params {
	struct mail_user *user;
	/* NULL: only headers are read. It must live as long. */
	const char *key_password;

	storage_verify_event_t *event;
	/* May be NULL. */
	storage_verify_progress_t *progress;
	void *context;
};

struct storage_verify;

/* Returns 1 if mails can be looked at, 0 if the password opens no user key, -1
   on error. */
int storage_verify_init(const struct storage_verify_params *params,
			struct storage_verify **verify_r,
			const char **error_r);
void storage_verify_deinit(struct storage_verify **verify);

/* Looks at all mails of a folder, also at those that come or are renamed
   meanwhile. Returns 0, or -1 if a signal has come that is to end the
   process. */
int storage_verify_folder(struct storage_verify *verify,
			  const struct storage_folder *folder,
			  struct storage_verify_counts *counts_r);
/* Are its keys shared with other users? */
bool storage_verify_is_shared(const struct storage_verify *verify,
			      const struct storage_folder *folder);
/* Looks at mails that an mdbox still has, although no folder does: expunged
   ones stay until it is purged. They are current under any key that is. Returns
   0, or -1 on error. */
int storage_verify_in_no_folder(struct storage_verify *verify,
				const struct storage_folders *folders,
				const struct storage_folder *place,
				struct storage_verify_counts *counts_r,
				const char **error_r);

#endif
