#include "lib.h"
#include "array.h"
#include "str.h"
#include "time-util.h"
#include "settings.h"
#include "mail-user.h"
#include "pymailadmin-protocol.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "create-folders.h"
#include "create-keys.h"
#include "create-store.h"
#include "key-password.h"
#include "live-sessions.h"
#include "mailbox-lock.h"
#include "password-change-job.h"
#include "create-request.h"

#include <unistd.h>

struct creation {
	struct job job;
	/* NULL: mail_crypt makes no keys. */
	const char *curve;
	struct create_keys_params keys;
	ARRAY_TYPE(const_string) folder_guids;
	/* What was made may be taken back: nobody else's is there. */
	bool undo;
};

bool create_request_is_expired(const struct request_row *row)
{
	return row->now >= row->created + REQUEST_CREATE_MAX_SECS;
}

static enum job_result
create_answer(struct job *job, enum create_store_result answer)
{
	switch (answer) {
	case CREATE_STORE_DONE:
		return JOB_OK;
	case CREATE_STORE_QUOTA:
		return job_stop(job, JOB_FAIL, "quota",
				"the request does not say a quota");
	case CREATE_STORE_UNKNOWN_DOMAIN:
		return job_stop(job, JOB_FAIL, "unknown_domain",
				"there is no such domain");
	case CREATE_STORE_TAKEN:
		return job_stop(job, JOB_FAIL, "taken",
				"the address is a mailbox's or an alias");
	case CREATE_STORE_UNKNOWN_MAILBOX:
		return job_stop(job, JOB_FAIL, "unknown_mailbox",
				"the mailbox's row is gone, or another");
	case CREATE_STORE_LOST:
	case CREATE_STORE_RESULT_COUNT:
		break;
	}
	return job_lost(job);
}

/* It may be about this row, which the admin's tables refuse, and not about the
   others. What was written is unknown; the next run reads it. */
static enum job_result create_row_failed(struct job *job, const char *error)
{
	const char *time_error;
	uint64_t now;

	error = t_strdup(error);
	if (request_store_get_time(job->ctx->store, &now, &time_error) < 0)
		return job_database_failed(job, error);
	return job_stop(job, JOB_LATER, "row_not_written", "%s", error);
}

static enum job_result create_insert(struct job *job)
{
	enum create_store_result answer;
	const char *error;

	if (create_store_begin(job->ctx->store, job->row,
			       job->secrets->new_hash, &answer, &error) < 0)
		return create_row_failed(job, error);
	return create_answer(job, answer);
}

static enum job_result create_activate(struct job *job)
{
	enum create_store_result answer;
	const char *error;

	if (create_store_activate(job->ctx->store, job->row,
				  job->secrets->new_hash, &answer,
				  &error) < 0)
		return create_row_failed(job, error);
	return create_answer(job, answer);
}

static enum job_result create_flush_auth_cache(struct job *job)
{
	unsigned int count;
	const char *error;

	if (live_sessions_flush_auth_cache(job->ctx->base_dir,
					   job->row->address, &count,
					   &error) < 0)
		return job_stop(job, JOB_LATER, "auth_cache",
				"flushing the auth cache failed: %s", error);
	return JOB_OK;
}

/* Makes the home, and the lock's files in it: only who finds them can tell
   that nobody is inside without the lock. */
static enum job_result create_home(struct job *job)
{
	struct mailbox_lock *lock = NULL;
	const char *error;
	int ret;

	ret = mailbox_lock_shared(job->home, TRUE, 0, &lock, &error);
	if (ret > 0 && lock == NULL)
		return job_stop(job, JOB_LATER, "no_home", "the home %s "
				"cannot be made or written to", job->home);
	if (ret > 0)
		mailbox_lock_free(&lock);
	else if (ret < 0)
		return job_stop(job, JOB_LATER, "lock", "%s", error);
	return job_lock(job);
}

static enum job_result create_lookup_user(struct job *job)
{
	enum job_result result;

	/* it may remember that there was no such user */
	result = create_flush_auth_cache(job);
	if (result == JOB_OK)
		result = job_lookup_user(job);
	if (result == JOB_FAIL && strcmp(job->outcome, "unknown_user") == 0)
		return job_stop(job, JOB_FAIL, "unknown_user",
			"%s while it is not active; its query must not ask "
			"for that, the passdb's does", job->reason);
	return result;
}

static enum job_result create_get_settings(struct creation *creation)
{
	const struct pymailadmin_crypt_settings *crypt_set;
	struct job *job = &creation->job;
	const char *error;

	if (settings_get(job->user->event,
			 &pymailadmin_crypt_setting_parser_info, 0,
			 &crypt_set, &error) < 0)
		return job_stop(job, JOB_LATER, "settings", "%s", error);
	if (crypt_set->crypt_user_key_curve[0] != '\0')
		creation->curve = t_strdup(crypt_set->crypt_user_key_curve);
	job->keys_expected = creation->curve != NULL ||
		crypt_set->crypt_user_key_require_encrypted;
	settings_free(crypt_set);
	if (creation->curve == NULL && job->keys_expected)
		return job_stop(job, JOB_FAIL, "settings",
				"crypt_user_key_curve is not set");
	if (key_password_derive(job->ctx->set, job->user->username,
				job->secrets->new_password,
				job->new_key_password, &error) < 0)
		return job_stop(job, JOB_FAIL, "key_password", "%s", error);
	return JOB_OK;
}

/* Whoever had the address before may have left mail, or keys of it. */
static enum job_result create_check_home(struct creation *creation)
{
	struct job *job = &creation->job;
	const char *error;
	const char *mark = t_strconcat(job->home, "/"MAILBOX_DELETION_NAME,
				       NULL);
	int ret;

	/* nobody would get in */
	if (access(mark, F_OK) == 0)
		return job_stop(job, JOB_FAIL, "home_not_empty", "the deletion "
			"of an older mailbox did not come to its end: see to "
			"what is left of it, then remove %s", mark);
	ret = create_folders_hold_mail(job->user, &error);
	if (ret > 0)
		return job_stop(job, JOB_FAIL, "home_not_empty", "%s; see to "
				"what is left of an older mailbox", error);
	if (ret == 0)
		ret = create_folders_break_locks(job->user, &error);
	if (ret < 0)
		return job_stop(job, JOB_LATER, "storage", "%s", error);
	if (job_read_keys(job) != JOB_OK)
		return JOB_LATER;
	if (job->keys == NULL) {
		return !job->keys_expected ? JOB_OK :
			job_stop(job, JOB_FAIL, "keys_unreadable",
				 "mail_crypt has user keys, but there is no "
				 "mail_attribute { dict } for protocol "
				 PYMAILADMIN_PROTOCOL);
	}
	if (job->keys->unusable_reason != NULL)
		return !job->keys_expected ? JOB_OK :
			job_stop(job, JOB_FAIL, "keys_unreadable", "%s",
				 job->keys->unusable_reason);
	ret = create_keys_are_ours(job->keys, str_c(job->new_key_password),
				   &error);
	if (ret < 0)
		return job_stop(job, JOB_LATER, "keys_unreadable", "%s", error);
	if (ret == 0)
		return job_stop(job, JOB_FAIL, "home_not_empty", "there are "
				"keys of an older mailbox: %s", error);
	creation->undo = TRUE;
	return JOB_OK;
}

static enum job_result create_make_keys(struct creation *creation)
{
	struct job *job = &creation->job;
	enum job_result result = JOB_OK;
	const char *error;
	int ret;

	ret = create_keys_prove(job->keys, &creation->keys, &error);
	if (ret > 0)
		return JOB_OK;
	if (create_keys_write(job->keys, &creation->keys, &error) < 0)
		return job_stop(job, JOB_LATER, "keys_not_written",
				"writing the keys failed: %s", error);
	result = job_read_keys(job);
	if (result != JOB_OK)
		return JOB_LATER;
	if (job->keys == NULL ||
	    create_keys_prove(job->keys, &creation->keys, &error) <= 0)
		return job_stop(job, JOB_LATER, "keys_not_written",
				"the keys are not what was written: %s",
				job->keys == NULL ? "they are gone" : error);
	return JOB_OK;
}

static enum job_result create_make_mailbox(struct creation *creation)
{
	struct job *job = &creation->job;
	enum job_result result = JOB_OK;
	const char *error;

	t_array_init(&creation->folder_guids, 8);
	if (create_folders(job->user, &creation->keys.inbox_guid,
			   &creation->folder_guids, &error) < 0)
		return job_stop(job, JOB_LATER, "storage", "%s", error);
	if (creation->curve != NULL) {
		creation->keys.curve = creation->curve;
		creation->keys.key_password = str_c(job->new_key_password);
		creation->keys.folder_guids = &creation->folder_guids;
		result = create_make_keys(creation);
	}
	if (result == JOB_OK && create_folders_sync(job->user, &error) < 0)
		return job_stop(job, JOB_LATER, "storage", "%s", error);
	return result;
}

static enum job_result create_switching(struct creation *creation)
{
	struct job *job = &creation->job;
	enum job_result result;

	result = create_lookup_user(job);
	if (result == JOB_OK)
		result = create_get_settings(creation);
	if (result == JOB_OK)
		result = create_home(job);
	if (result == JOB_OK)
		result = create_check_home(creation);
	if (result == JOB_OK)
		result = create_make_mailbox(creation);
	if (result == JOB_OK)
		result = create_activate(job);
	return result;
}

/* What was made under a password that nobody can read any more: keys without
   mail protect nothing. */
static enum job_result create_undo_keys(struct creation *creation)
{
	struct job *job = &creation->job;
	const char *error;
	int ret;

	ret = create_folders_hold_mail(job->user, &error);
	if (ret == 0)
		ret = create_folders_break_locks(job->user, &error);
	if (ret < 0)
		return job_stop(job, JOB_LATER, "storage", "%s", error);
	if (ret > 0)
		return JOB_OK;
	if (job_read_keys(job) != JOB_OK)
		return JOB_LATER;
	if (job->keys == NULL || job->keys->unusable_reason != NULL)
		return JOB_OK;
	if (create_keys_remove(job->keys, &error) < 0)
		return job_stop(job, JOB_LATER, "keys_not_written", "%s",
				error);
	return JOB_OK;
}

/* The row is ours: nobody could make another of the address. Folders without
   mail and without keys are left, to be used again. */
static enum job_result create_undo(struct creation *creation)
{
	struct job *job = &creation->job;
	const char *outcome = job->outcome, *reason = job->reason;
	enum job_result result = JOB_OK;

	if (strcmp(outcome, "home_not_empty") == 0)
		return JOB_FAIL;
	if (job->user == NULL)
		result = create_lookup_user(job);
	/* a user that was never known has no home with anything in it */
	if (result == JOB_FAIL)
		result = JOB_OK;
	else if (result == JOB_OK) {
		if (job->lock == NULL)
			result = create_home(job);
		if (result == JOB_OK)
			result = create_undo_keys(creation);
	}
	if (result != JOB_OK)
		return job_stop(job, JOB_LATER, "stuck",
				"%s; taking it back failed: %s", reason,
				job->reason);
	return job_stop(job, JOB_FAIL, outcome, "%s", reason);
}

static enum job_result create_run(struct creation *creation)
{
	struct job *job = &creation->job;
	enum job_result result = JOB_OK;

	if (job->row->state != REQUEST_STATE_SWITCHED) {
		result = job_open_seal(job);
		if (result == JOB_OK)
			result = job_check_new_password(job);
	}
	if (result == JOB_OK && job->row->state == REQUEST_STATE_CLAIMED)
		result = create_insert(job);
	if (job->row->state == REQUEST_STATE_SWITCHING) {
		if (result == JOB_OK)
			result = create_switching(creation);
		/* it will not be better tomorrow */
		if (result == JOB_LATER &&
		    strcmp(job->outcome, "lost") != 0 &&
		    create_request_is_expired(job->row))
			result = JOB_FAIL;
		if (result == JOB_FAIL)
			result = create_undo(creation);
	}
	if (result == JOB_OK)
		result = create_flush_auth_cache(job);
	return result;
}

static enum password_change_result
create_finish(struct job *job, enum job_result result)
{
	enum create_store_result answer;
	struct timeval now;
	const char *error = NULL;

	switch (result) {
	case JOB_OK:
		if (request_store_end(job->ctx->store, job->row,
				      REQUEST_STATE_DONE, "done", NULL,
				      &error) <= 0)
			break;
		i_gettimeofday(&now);
		e_info(job->event, "mailbox made in %lld ms",
		       timeval_diff_usecs(&now, &job->claimed) / 1000);
		return PASSWORD_CHANGE_DONE;
	case JOB_FAIL:
		e_error(job->event, "mailbox not made: %s", job->reason);
		if (create_store_end(job->ctx->store, job->row,
				     REQUEST_STATE_FAILED, job->outcome,
				     job->reason, &answer, &error) < 0 ||
		    answer != CREATE_STORE_DONE)
			break;
		/* looking it up while the row was there is remembered */
		if (create_flush_auth_cache(job) != JOB_OK)
			e_warning(job->event, "%s", job->reason);
		return PASSWORD_CHANGE_FAILED;
	case JOB_LATER:
		return job_release(job);
	case JOB_STOP:
		e_error(job->event, "stopped: %s", job->reason);
		return PASSWORD_CHANGE_STOPPED;
	default:
		i_unreached();
	}
	if (error != NULL)
		e_error(job->event, "%s", error);
	return PASSWORD_CHANGE_STOPPED;
}

enum password_change_result
create_request_run(const struct password_change_context *ctx,
		   struct request_row *row)
{
	enum password_change_result ret;
	enum job_result result;
	struct creation creation;

	i_zero(&creation);
	job_init(&creation.job, ctx, row);
	result = create_run(&creation);
	key_store_close(&creation.job.keys);
	job_unlock(&creation.job);
	ret = create_finish(&creation.job, result);
	job_deinit(&creation.job);
	return ret;
}
