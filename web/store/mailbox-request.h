#ifndef MAILBOX_REQUEST_H
#define MAILBOX_REQUEST_H

/* pymailadmin_request: what the portal asks the mail host to do. Requests are
   filed and canceled by procedures of the database, which check under locks that
   the account may, that the address is free, and how many it has; the secrets
   are sealed to the mail host before they leave this process. Event and mail to
   the owner are written in the same transaction. Conventions: account.h. */

#include "request-state.h"
#include "sealed-request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct arena;
struct db;

struct mailbox_request_new {
	enum request_kind kind;
	/* Normalized. */
	const char *address;
	/* password: all three. create: new password and hash. delete: the
	   mailbox's password as old, NULL for a super admin without it. The
	   portal has checked them; they are wiped from wherever this module
	   copies them to, but the caller's are the caller's. */
	const char *old_password, *new_password, *new_hash;
	/* create: bytes. */
	uint64_t quota_bytes;
	/* create: max_mailboxes of the settings. */
	unsigned int max_mailboxes;
};

enum mailbox_request_result {
	MAILBOX_REQUEST_FILED,
	/* The mailbox is gone or not the account's, or the domain is. */
	MAILBOX_REQUEST_NOT_FOUND,
	/* Something else is being done to the mailbox. */
	MAILBOX_REQUEST_BUSY,
	/* create: a mailbox, an alias or reserved. */
	MAILBOX_REQUEST_TAKEN,
	/* create: as many mailboxes as the account may have. */
	MAILBOX_REQUEST_LIMIT,
	/* create: no address the database takes. */
	MAILBOX_REQUEST_MALFORMED
};

/* Its own transaction. Returns 1 with the result, and the id if it was filed;
   the id is in the arena. */
int mailbox_request_file(struct db *db, struct arena *arena,
			 const struct seal_public_key *seal_key,
			 const struct account *account,
			 const struct mailbox_request_new *new,
			 enum mailbox_request_result *result_r,
			 const char **id_r, const char **error_r);

struct mailbox_request {
	const char *id;
	enum request_kind kind;
	enum request_state state;
	/* The database's clock when it was read, and the row's times; ended is 0
	   while it is open, storing_since until stored mail is looked at. */
	uint64_t now, created, updated, ended, storing_since;
	/* Stored mail: 0 of 0 before it begins. */
	uint64_t mails_done, mails_total, bytes_done, bytes_total;
	/* Code of how it ended or why it waits; "" if nothing is to be said. */
	const char *outcome;
	/* May still be canceled; waits for a later time, and may be tried at
	   once. */
	bool can_cancel, can_retry;
	/* kinds password and close: is the mailbox closed to log-ins now, and
	   until when at the latest; 0: until the switch of hash and key is
	   through, which has no time. */
	bool window_closed;
	uint64_t window_opens;
};

/* The newest request for a mailbox that the account may see, an open one before
   others. Returns 1, or 0 if there was none. */
int mailbox_request_find(struct db *db, struct arena *arena,
			 const struct account *account, const char *address,
			 uint32_t window_secs,
			 struct mailbox_request **request_r,
			 const char **error_r);

enum mailbox_request_set {
	/* That have not ended, the newest first. */
	MAILBOX_REQUESTS_OPEN,
	/* That ended in vain, the last first. */
	MAILBOX_REQUESTS_FAILED
};

struct mailbox_request_row {
	const char *address;
	/* E-mail address of the account that asked; NULL: an administrator of
	   the mail host did, or it is gone. */
	const char *account;
	struct mailbox_request *request;
};

struct mailbox_request_rows {
	struct mailbox_request_row *rows;
	size_t count;
};

#define MAILBOX_REQUEST_PAGE_SIZE 50

/* A page of everybody's, for super admins; after: the last id of the page
   before, "" for the first. more_r says whether others follow. Returns 0. */
int mailbox_request_list(struct db *db, struct arena *arena,
			 enum mailbox_request_set set, const char *after,
			 uint32_t window_secs,
			 struct mailbox_request_rows *rows_r, bool *more_r,
			 const char **error_r);
/* How many wait for the mail host or are worked on, and how many ended in vain
   within these seconds. Returns 0. */
int mailbox_request_count(struct db *db, struct arena *arena,
			  uint64_t failed_secs, uint64_t *open_r,
			  uint64_t *failed_r, const char **error_r);
/* Cancels the open request of a mailbox, if nobody works on it yet; event and
   mail. What was reserved to be created is free again. Its own transaction.
   Returns 1, or 0 if there is none (any more). */
int mailbox_request_cancel(struct db *db, struct arena *arena,
			   const struct account *account, const char *address,
			   const char **error_r);
/* A super admin lets a request that waits be tried at once; event. Its own
   transaction. Returns 1, or 0 if it does not wait (any more). */
int mailbox_request_retry(struct db *db, struct arena *arena,
			  const struct account *account, const char *id,
			  const char **error_r);

#endif
