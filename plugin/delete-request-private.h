#ifndef DELETE_REQUEST_PRIVATE_H
#define DELETE_REQUEST_PRIVATE_H

/* The steps of delete-request.h, and what they share. Each step leaves a code
   and a text for the admin when it does not return DELETION_OK. */

#include "request-store.h"
#include "delete-request.h"

struct mail_user;
struct mailbox_lock;

struct deletion {
	const struct password_change_context *ctx;
	struct request_row *row;
	struct event *event;

	struct mail_user *user;
	uid_t old_euid;
	const char *old_cwd;
	/* NULL if nobody knows it any more, or if there never was one. */
	char *home;
	bool home_exists, home_made;
	struct mailbox_lock *lock;
	int rekey_fd;
	uint64_t renewed_msecs;

	const char *outcome, *reason;
};

enum deletion_result {
	DELETION_OK,
	/* Nothing has been done, nor will be. */
	DELETION_FAIL,
	DELETION_LATER,
	DELETION_STOP
};

enum deletion_result
deletion_stop(struct deletion *deletion, enum deletion_result result,
	      const char *outcome, const char *fmt, ...) ATTR_FORMAT(4, 5);
enum deletion_result deletion_database_failed(struct deletion *deletion,
					      const char *error);
/* Somebody else has taken the request over. */
enum deletion_result deletion_lost(struct deletion *deletion);
/* What stands in the way before anything is destroyed may be why it is not;
   later it only holds it up. */
enum deletion_result deletion_or_later(const struct deletion *deletion);

/* delete-request-check.c: nothing is written. Finds the mailbox, with the
   privileges of its user: user and home stay NULL if its keys are destroyed and
   nobody knows it any more. */
enum deletion_result deletion_open_mailbox(struct deletion *deletion);
/* Gives the privileges back. */
void deletion_close_user(struct deletion *deletion);

/* delete-request-destroy.c: claimed or later -> rekeying and the rows gone. */
enum deletion_result deletion_destroy(struct deletion *deletion);

#endif
