#ifndef PASSWORD_CHANGE_JOB_H
#define PASSWORD_CHANGE_JOB_H

/* The steps of password-change.h, and what they share, also with
   create-request.h. Each step leaves a text
   for the admin and a code in the job when it does not return JOB_OK. */

#include "key-store.h"
#include "password-change.h"
#include "request-state.h"

struct key_change;
struct key_journal;
struct mailbox_lock;
struct mail_user;
struct seal_secrets;

/* What a step comes to. All but OK end the run. */
enum job_result {
	JOB_OK,
	/* The request cannot be met: job->outcome and reason say why. */
	JOB_FAIL,
	/* Not now: likewise. */
	JOB_LATER,
	/* The database failed: job->reason says how. */
	JOB_STOP
};

struct job {
	const struct password_change_context *ctx;
	struct request_row *row;
	struct event *event;

	struct seal_secrets *secrets;
	string_t *old_key_password, *new_key_password;

	struct mail_user *user;
	uid_t old_euid;
	const char *old_cwd, *home;
	const char *old_hash;

	struct mailbox_lock *lock;
	struct key_store *keys;
	struct key_change *change;
	struct key_journal *journal;

	const char *outcome, *reason;
	unsigned int retry_secs, claims;
	struct timeval claimed, locked;
	long long lock_usecs;
	/* mail_crypt is set up with user keys. */
	bool keys_expected;
	/* The mailbox has user keys. */
	bool has_keys;
	/* What the switch had written is as it was before. */
	bool undone;
};

void job_init(struct job *job, const struct password_change_context *ctx,
	      struct request_row *row);
/* Wipes the secrets, restores the privileges. */
void job_deinit(struct job *job);

enum job_result job_stop(struct job *job, enum job_result result,
			 const char *outcome, const char *fmt, ...)
	ATTR_FORMAT(4, 5);
enum job_result job_database_failed(struct job *job, const char *error);
/* Somebody else has moved the request on, or its time is over. */
enum job_result job_lost(struct job *job);
/* Has a run before this one written something? */
bool job_is_interrupted(const struct job *job);
/* Move the request on, with window_secs > 0 only while its window is closed. */
enum job_result job_advance(struct job *job, enum request_state state,
			    uint32_t window_secs);
/* Take the mailbox lock exclusively, ending the user's sessions. */
enum job_result job_lock(struct job *job);
void job_unlock(struct job *job);
/* Give the request back because of what job_stop() was told: LATER, or STOPPED
   if the database failed. */
enum password_change_result job_release(struct job *job);

/*
 * password-change-proof.c: nothing is written
 */

enum job_result job_open_seal(struct job *job);
enum job_result job_check_new_password(struct job *job);
enum job_result job_check_hashes(struct job *job);
/* Looks the user up, and the home, which may not be there. */
enum job_result job_lookup_user(struct job *job);
enum job_result job_open_user(struct job *job);
enum job_result job_init_change(struct job *job);
/* Reads the keys, again if they have been read. A user without an attribute
   dict has none, and job->keys stays NULL. */
enum job_result job_read_keys(struct job *job);
/* Reads the keys and proves that they can be changed. */
enum job_result job_prepare_keys(struct job *job);

/*
 * password-change-switch.c: under the lock, keys and hash
 */

/* Writes the journal, unless there is one; claimed -> switching. */
enum job_result job_begin_switch(struct job *job);
/* Reads the journal, if there is one of this request. */
enum job_result job_read_journal(struct job *job);
/* Puts back what a crash of the host took out of the attribute dict, because
   it was not on the disk yet; reads the keys again then. */
enum job_result job_restore_lost_keys(struct job *job);
enum job_result job_remove_journal(struct job *job);
/* switching -> switched. On JOB_FAIL keys and hash are as they were. */
enum job_result job_switch(struct job *job);
/* Puts the keys back as they were, the hash being the old one: JOB_FAIL. The
   journal has to be removed once the request has ended. If undoing fails,
   JOB_LATER, and the mailbox stays closed. */
enum job_result job_undo_switch(struct job *job);
/* Wraps what is not wrapped with the new password yet. */
enum job_result job_switch_keys(struct job *job);

/*
 * password-change-rekey.c: the new password is the password
 */

/* switched -> rekeying. */
enum job_result job_flush_auth_cache(struct job *job);
/* New keys, unless they have been made, and the end of the journal. */
enum job_result job_rekey(struct job *job, bool resumed);

#endif
