#ifndef REQUEST_STORE_H
#define REQUEST_STORE_H

/* pymailadmin_request and what goes with it, through Dovecot's lib-sql: all
   SQL of the doveadm plugin is here. The database is the one of
   pymailadmin_sql { }, else the global one.

   The clock is the database's. Functions return -1 on error, with the reason
   in *error_r; as the connection may have been lost, what was written is then
   unknown and must be read again. One thread. */

#include "request-state.h"

struct request_store;
struct sql_db;

/* How long a claim holds without a sign of life. */
#define REQUEST_LEASE_SECS (5*60)

struct request_progress {
	uint64_t mails_done, mails_total, bytes_done, bytes_total;
};

struct request_row {
	const char *id;
	enum request_kind kind;
	enum request_state state;
	const char *address;
	/* Seconds since the epoch; now is the database's clock when read. */
	uint64_t created, now;
	const unsigned char *sealed;
	size_t sealed_size;
	/* Who works on it, NULL if nobody, and whether their time is up. */
	const char *claimed_by;
	bool lease_expired;
	/* It must not be tried again before some later time, which is until; of
	   kind close the mailbox opens then. 0: there is none. */
	bool waiting;
	uint64_t until;
	unsigned int attempts;
	/* Stored mail re-encrypted so far, of how much; all 0 before. */
	struct request_progress progress;
	/* Seconds since the current run of it began. */
	unsigned int storing_secs;
	/* Whose hosts work on it, NULL if those without a name. */
	const char *backend;
	/* Why it ended or waits: a code for programs, a text for the admin.
	   NULL if there is nothing to say. */
	const char *outcome, *reason;
};
ARRAY_DEFINE_TYPE(request_row, struct request_row *);

int request_store_init(struct event *event, struct request_store **store_r,
		       const char **error_r);
void request_store_deinit(struct request_store **store);
/* For what else asks the same database. */
struct sql_db *request_store_get_db(struct request_store *store);
/* What this host is called in requests, "" if nothing. */
const char *request_store_get_backend(struct request_store *store);

/* The rows of one address, one that keeps others from being filed first, then
   others that have not ended, each newest first; or, with address = NULL, all
   that have not ended, in the order they are to be worked on. */
int request_store_list(struct request_store *store, const char *address,
		       pool_t pool, ARRAY_TYPE(request_row) *rows,
		       const char **error_r);

/* What the host of that name is to work on now, in that order, as far as it is
   of its backend: not what is to be tried again later, what another host works
   on, nor a deletion that is confirmed and not older than grace_secs. After it
   what is of other backends, of which no host has been heard of lately, and is
   older than window_secs or has a mailbox that has moved: for others to end, or
   to hand on by request_backend_claim(). Of a seal there is only enough to see
   that there is one. */
int request_store_list_work(struct request_store *store, const char *host,
			    unsigned int window_secs, unsigned int grace_secs,
			    pool_t pool, ARRAY_TYPE(request_row) *rows,
			    const char **error_r);
/* The seal of a row of that list. */
int request_store_read_seal(struct request_store *store, pool_t pool,
			    struct request_row *row, const char **error_r);

/* Hash of a mailbox. Returns 1 if found, 0 if there is no such mailbox. */
int request_store_get_hash(struct request_store *store, const char *address,
			   const char **hash_r, const char **error_r);
int request_store_get_time(struct request_store *store, uint64_t *now_r,
			   const char **error_r);

/* File a request. Returns 1 if filed, 0 if the mailbox has an open one. */
int request_store_file(struct request_store *store,
		       const struct request_row *row, const char **error_r);

/* Move a claimed request to another state. With window_secs > 0 only if its
   window is still closed that long after it was filed. Returns 1 if moved, 0
   if it is not ours in that state, or too late. */
int request_store_advance(struct request_store *store,
			  struct request_row *row, enum request_state state,
			  uint32_t window_secs, const char **error_r);
/* Set the mailbox's hash and move the request from switching to switched, in
   one statement. Returns 1 if done, 0 if the request is not ours in that
   state or the mailbox's hash is not old_hash. */
int request_store_switch(struct request_store *store, struct request_row *row,
			 const char *old_hash, const char *hash,
			 const char **error_r);
/* End a request, if it still is in the state and of the owner row says, be
   there one or not: the sealed part is wiped, an event recorded, and who asked
   is told (request-notice.h), all or nothing. Returns 1 if ended, 0 if it is
   not. */
int request_store_end(struct request_store *store, struct request_row *row,
		      enum request_state state, const char *outcome,
		      const char *reason, const char **error_r);
/* Give a request back, to be tried again after delay_secs; a claimed one
   becomes pending again. Returns 1 if given back, 0 if not ours. */
int request_store_release(struct request_store *store,
			  struct request_row *row, const char *outcome,
			  const char *reason, unsigned int delay_secs,
			  const char **error_r);

/* Record how far the re-encryption of stored mail is, and keep the request
   ours, if it still is. With begin, its time is counted from now. Returns 0, or
   -1 on error. */
int request_store_progress(struct request_store *store,
			   const struct request_row *row,
			   const struct request_progress *progress, bool begin,
			   const char **error_r);

/* Let a waiting request be tried at once. Returns 1, or 0 if it is gone. */
int request_store_retry(struct request_store *store, struct request_row *row,
			const char **error_r);

#endif
