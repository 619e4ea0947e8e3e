#ifndef PASSWORD_CHANGE_H
#define PASSWORD_CHANGE_H

/* One claimed request to change a mailbox's password: proves what it says,
   then changes keys and hash under the mailbox lock. Works also on a request
   whose last run was interrupted: it goes on from what state, keys and journal
   say. Every step can be repeated.

   claimed: nothing is written. Prove; write the journal; switching.
   switching: wrap the user keys; set the hash; switched. If one of both cannot
   be, undo the keys; failed.
   switched: flush the auth cache; rekeying.
   rekeying: make new keys (depth keys); remove the journal; done.

   With depth storage the stored mail is left to do (rekey-queue.h), and the
   request stays claimed in state rekeying. */

struct seal_private_key;
struct mail_storage_service_ctx;
struct request_row;
struct request_store;

struct password_change_context {
	struct event *event;
	const struct pymailadmin_settings *set;
	struct request_store *store;
	struct mail_storage_service_ctx *storage_service;
	const char *base_dir;
	/* NULL if it could not be read, seal_error says why. */
	const struct seal_private_key *seal_key;
	const char *seal_error;
};

enum password_change_result {
	/* The password is changed. */
	PASSWORD_CHANGE_DONE,
	/* It is, and its stored mail is still to be re-encrypted. */
	PASSWORD_CHANGE_STORING,
	/* The request has failed; the old password is the password. */
	PASSWORD_CHANGE_FAILED,
	/* Given back, to be tried again. */
	PASSWORD_CHANGE_LATER,
	/* Kind delete: verified, and its time has not come. */
	PASSWORD_CHANGE_WAITING,
	/* The database failed: the request is as it is. */
	PASSWORD_CHANGE_STOPPED
};

/* Logs what happened. Row must be claimed; its state is kept up to date. */
enum password_change_result
password_change_run(const struct password_change_context *ctx,
		    struct request_row *row);

#endif
