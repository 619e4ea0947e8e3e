#include "lib.h"
#include "mail-user.h"
#include "master-service.h"
#include "deletion-store.h"
#include "live-sessions.h"
#include "mailbox-lock.h"
#include "mailbox-removal.h"
#include "monotonic-time.h"
#include "pymailadmin-settings.h"
#include "rekey.h"
#include "tree-removal.h"
#include "delete-request-private.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_WAIT_MSECS (10*1000)
#define RENEW_MSECS (60*1000)

static enum deletion_result
advance(struct deletion *deletion, enum request_state from,
	enum request_state to)
{
	const char *error;
	int ret;

	if (deletion->row->state != from)
		return DELETION_OK;
	ret = request_store_advance(deletion->ctx->store, deletion->row, to, 0,
				    &error);
	if (ret < 0)
		return deletion_database_failed(deletion, error);
	return ret == 0 ? deletion_lost(deletion) : DELETION_OK;
}

static enum deletion_result check_other_requests(struct deletion *deletion)
{
	const char *text, *error;
	int ret;

	ret = deletion_store_find_other(deletion->ctx->store, deletion->row,
					&text, &error);
	if (ret < 0)
		return deletion_database_failed(deletion, error);
	return ret == 0 ? DELETION_OK :
		deletion_stop(deletion, DELETION_LATER, "busy", "%s", text);
}

/*
 * locks
 */

static void kick(void *context)
{
	struct deletion *deletion = context;
	const char *error;
	unsigned int count;

	if (live_sessions_kick(deletion->ctx->base_dir,
			       deletion->user->username, &count, &error) < 0)
		e_warning(deletion->event, "ending sessions failed: %s",
			  error);
}

/* Who re-encrypts stored mail does not hold the mailbox lock. */
static enum deletion_result lock_rekey(struct deletion *deletion)
{
	const char *path = t_strconcat(deletion->home, "/"REKEY_LOCK_NAME,
				       NULL);

	deletion->rekey_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (deletion->rekey_fd == -1 && errno != ENOENT)
		return deletion_stop(deletion, DELETION_LATER, "lock",
				     "open(%s) failed: %m", path);
	if (deletion->rekey_fd != -1 &&
	    flock(deletion->rekey_fd, LOCK_EX | LOCK_NB) < 0)
		return deletion_stop(deletion, DELETION_LATER, "busy",
			"another process re-encrypts the mailbox");
	return DELETION_OK;
}

static enum deletion_result lock_mailbox(struct deletion *deletion)
{
	const char *error;
	unsigned int tries;
	int ret = 0;

	if (!deletion->home_exists)
		return DELETION_OK;
	/* again, if there was no lock file: an interrupted run removed it, or
	   there was no home */
	for (tries = 0; ret == 0 && tries < 2; tries++) {
		ret = mailbox_lock_exclusive(deletion->home, LOCK_WAIT_MSECS,
					     kick, deletion, &deletion->lock,
					     &error);
		if (!deletion->home_made &&
		    !request_deletion_has_begun(deletion->row->state))
			break;
	}
	if (ret <= 0)
		return deletion_stop(deletion, DELETION_LATER,
				     ret < 0 ? "lock" : "busy", "%s", error);
	return lock_rekey(deletion);
}

static void unlock(struct deletion *deletion)
{
	i_close_fd(&deletion->rekey_fd);
	mailbox_lock_free(&deletion->lock);
}

/*
 * destroy
 */

/* The lease must not run out while there is much to do. */
static bool go_on(void *context)
{
	struct deletion *deletion = context;
	const uint64_t now = monotonic_time_msecs();
	const char *error;

	if (now - deletion->renewed_msecs > RENEW_MSECS) {
		deletion->renewed_msecs = now;
		if (request_store_progress(deletion->ctx->store, deletion->row,
					   &deletion->row->progress, FALSE,
					   &error) < 0)
			return FALSE;
	}
	return !master_service_is_killed(master_service);
}

static enum deletion_result destroy_keys(struct deletion *deletion)
{
	const char *error;

	if (mailbox_removal_destroy_keys(deletion->user, deletion->home,
					 &error) < 0)
		return deletion_stop(deletion, DELETION_LATER, "keys_left",
			"destroying the keys failed: %s", error);
	return DELETION_OK;
}

static enum deletion_result destroy_mail(struct deletion *deletion)
{
	const struct tree_removal params = {
		.callback = go_on,
		.context = deletion,
	};
	const char *error;

	if (mailbox_removal_delete_mail(deletion->user, deletion->home,
					&params, &error) < 0)
		return deletion_stop(deletion, DELETION_LATER, "mail_left",
			"deleting the mail failed: %s", error);
	/* writes what it has cached */
	mail_user_deinit(&deletion->user);
	if (mailbox_removal_run_home(deletion->home, &params, &error) < 0)
		return deletion_stop(deletion, DELETION_LATER, "mail_left",
			"removing the home failed: %s", error);
	return DELETION_OK;
}

static enum deletion_result close_home(struct deletion *deletion)
{
	const char *error;

	if (!deletion->home_exists ||
	    mailbox_removal_close_home(deletion->home, &error) == 0)
		return DELETION_OK;
	/* the keys go all the same */
	e_warning(deletion->event, "%s", error);
	return DELETION_OK;
}

static enum deletion_result destroy_files(struct deletion *deletion)
{
	enum deletion_result result;

	result = lock_mailbox(deletion);
	if (result == DELETION_OK)
		result = advance(deletion, REQUEST_STATE_CLAIMED,
				 REQUEST_STATE_SWITCHING);
	if (result == DELETION_OK)
		result = close_home(deletion);
	if (result == DELETION_OK)
		result = destroy_keys(deletion);
	if (result == DELETION_OK)
		result = advance(deletion, REQUEST_STATE_SWITCHING,
				 REQUEST_STATE_SWITCHED);
	if (result == DELETION_OK)
		result = destroy_mail(deletion);
	return result;
}

static enum deletion_result destroy_rows(struct deletion *deletion)
{
	const struct pymailadmin_settings *set = deletion->ctx->set;
	unsigned int count;
	const char *error;
	int ret;

	ret = deletion_store_finish(deletion->ctx->store, deletion->row,
				    deletion->home,
				    set->pymailadmin_address_quarantine,
				    &error);
	if (ret < 0)
		return deletion_database_failed(deletion, error);
	if (ret == 0)
		return deletion_lost(deletion);
	/* else who is known there could still log in once the request ends */
	if (live_sessions_flush_auth_cache(deletion->ctx->base_dir,
					   deletion->row->address, &count,
					   &error) < 0)
		return deletion_stop(deletion, DELETION_LATER, "auth_cache",
			"flushing the auth cache failed: %s", error);
	if (deletion->home != NULL &&
	    mailbox_removal_end_home(deletion->home, &error) < 0)
		return deletion_stop(deletion, DELETION_LATER, "mail_left",
			"removing the home failed: %s", error);
	return DELETION_OK;
}

enum deletion_result deletion_destroy(struct deletion *deletion)
{
	enum deletion_result result = DELETION_OK;

	if (deletion->row->state == REQUEST_STATE_CLAIMED)
		result = check_other_requests(deletion);
	if (result == DELETION_OK)
		result = deletion_open_mailbox(deletion);
	if (result == DELETION_OK && deletion->user != NULL)
		result = destroy_files(deletion);
	deletion_close_user(deletion);
	if (result == DELETION_OK)
		result = advance(deletion, REQUEST_STATE_SWITCHED,
				 REQUEST_STATE_REKEYING);
	if (result == DELETION_OK)
		result = destroy_rows(deletion);
	unlock(deletion);
	return result;
}
