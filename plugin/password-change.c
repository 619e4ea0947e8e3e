#include "lib.h"
#include "array.h"
#include "time-util.h"
#include "pymailadmin-settings.h"
#include "key-change.h"
#include "key-journal.h"
#include "request-store.h"
#include "password-change-job.h"

/* Makes of the keys what the journal and the state say they should be. */
static enum job_result job_recover_keys(struct job *job)
{
	enum job_result result;

	result = job_restore_lost_keys(job);
	if (result == JOB_OK)
		result = job_prepare_keys(job);
	/* keys that were put back are as they were before the switch */
	if (result == JOB_OK && job->row->state == REQUEST_STATE_REKEYING)
		result = job_switch_keys(job);
	return result;
}

/* Runs under the lock. */
static enum job_result job_run_locked(struct job *job)
{
	const bool resumed = job->row->state == REQUEST_STATE_REKEYING;
	enum job_result result = JOB_OK;

	/* needs no keys, and is all that keeps the mailbox closed */
	if (job->row->state == REQUEST_STATE_SWITCHED)
		result = job_flush_auth_cache(job);
	if (result == JOB_OK)
		result = job_read_keys(job);
	if (result == JOB_OK)
		result = job_read_journal(job);
	/* only what has changed since it was prepared without the lock */
	if (result == JOB_OK)
		result = job_recover_keys(job);
	if (result == JOB_OK && job->row->state == REQUEST_STATE_CLAIMED)
		result = job_begin_switch(job);
	if (result == JOB_OK && job->row->state == REQUEST_STATE_SWITCHING)
		result = job_switch(job);
	if (result == JOB_OK && job->row->state == REQUEST_STATE_SWITCHED)
		result = job_flush_auth_cache(job);
	if (result == JOB_OK)
		result = job_rekey(job, resumed);
	return result;
}

/* The passwords of an interrupted request are lost. If the hash is still the
   old one, go back; else leave it at what has been done. */
static enum job_result job_resume_without_passwords(struct job *job)
{
	const char *reason = job->reason;
	enum job_result result;

	result = job_open_user(job);
	if (result == JOB_OK)
		result = job_lock(job);
	if (result == JOB_OK)
		result = job_read_keys(job);
	if (result == JOB_OK)
		result = job_read_journal(job);
	if (result == JOB_OK && job->row->state == REQUEST_STATE_SWITCHING) {
		job->reason = reason;
		job->outcome = "seal";
		return job_undo_switch(job);
	}
	if (result == JOB_OK)
		result = job_restore_lost_keys(job);
	if (result == JOB_OK && job->row->state == REQUEST_STATE_SWITCHED)
		result = job_flush_auth_cache(job);
	if (result == JOB_OK)
		result = job_remove_journal(job);
	if (result == JOB_OK) {
		job->outcome = "no_new_keys";
		job->reason = t_strdup_printf("the password is changed, new "
			"keys could not be made: %s", reason);
	}
	return result;
}

/* The mailbox was removed in between: there is nothing left to protect. */
static enum job_result job_resume_without_mailbox(struct job *job)
{
	enum job_result result = JOB_OK;

	if (job->row->state == REQUEST_STATE_SWITCHING) {
		job->undone = TRUE;
		return JOB_FAIL;
	}
	if (job->row->state == REQUEST_STATE_SWITCHED)
		result = job_flush_auth_cache(job);
	return result;
}

/* Something is wrong with an interrupted request: what was written before must
   not be left as it is, nor may anything be thrown away. */
static enum job_result job_resume_failed(struct job *job)
{
	if (strcmp(job->outcome, "unknown_mailbox") == 0)
		return job_resume_without_mailbox(job);
	if (strcmp(job->outcome, "seal") == 0)
		return job_resume_without_passwords(job);
	if (job->row->state == REQUEST_STATE_SWITCHING && job->lock != NULL)
		return job_undo_switch(job);
	return JOB_FAIL;
}

static enum job_result job_run(struct job *job)
{
	const bool interrupted = job_is_interrupted(job);
	enum job_result result;

	result = job_open_seal(job);
	if (result == JOB_OK)
		result = job_check_hashes(job);
	if (result == JOB_OK)
		result = job_open_user(job);
	if (result == JOB_OK)
		result = job_init_change(job);
	if (result == JOB_OK && !interrupted)
		result = job_prepare_keys(job);
	if (result == JOB_OK)
		result = job_lock(job);
	if (result == JOB_OK)
		result = job_run_locked(job);
	if (result == JOB_FAIL && interrupted)
		result = job_resume_failed(job);
	if (result == JOB_FAIL && job_is_interrupted(job) && !job->undone)
		return job_stop(job, JOB_LATER, "stuck", "%s", job->reason);
	return result;
}

/* Before the window opens. */
static void job_release_mailbox(struct job *job)
{
	job->has_keys = job->keys != NULL &&
		!array_is_empty(&job->keys->user_keys);
	key_change_free(&job->change);
	key_store_close(&job->keys);
	key_journal_free(&job->journal);
	job_unlock(job);
}

static enum password_change_result
job_end(struct job *job, enum request_state state, const char *outcome,
	enum password_change_result result)
{
	const char *error;
	int ret;

	ret = request_store_end(job->ctx->store, job->row, state, outcome,
				job->reason, &error);
	if (ret > 0)
		return result;
	if (ret < 0)
		e_error(job->event, "%s", error);
	return PASSWORD_CHANGE_STOPPED;
}

/* Stored mail needs keys, and passwords to open them. */
static bool job_has_storage(const struct job *job)
{
	return job->ctx->set->parsed_rekey_depth ==
		PYMAILADMIN_REKEY_DEPTH_STORAGE &&
		job->has_keys && job->outcome == NULL;
}

static enum password_change_result
job_finish(struct job *job, enum job_result result)
{
	enum password_change_result ret;
	struct timeval now;
	const char *error;

	switch (result) {
	case JOB_OK:
		if (job_has_storage(job))
			ret = PASSWORD_CHANGE_STORING;
		else
			ret = job_end(job, REQUEST_STATE_DONE,
				      job->outcome == NULL ? "done" :
					job->outcome, PASSWORD_CHANGE_DONE);
		i_gettimeofday(&now);
		e_info(job->event, "password changed in %lld ms, of which the "
		       "mailbox was locked for %lld ms%s%s",
		       timeval_diff_usecs(&now, &job->claimed) / 1000,
		       job->lock_usecs / 1000,
		       job->reason == NULL ? "" : "; ",
		       job->reason == NULL ? "" : job->reason);
		return ret;
	case JOB_FAIL:
		e_error(job->event, "password not changed: %s", job->reason);
		ret = job_end(job, REQUEST_STATE_FAILED, job->outcome,
			      PASSWORD_CHANGE_FAILED);
		/* until then an interrupted run would need it */
		if (ret == PASSWORD_CHANGE_FAILED && job->undone &&
		    job->home != NULL &&
		    key_journal_remove(job->home, &error) < 0)
			e_warning(job->event, "%s", error);
		return ret;
	case JOB_LATER:
		return job_release(job);
	case JOB_STOP:
		e_error(job->event, "stopped: %s", job->reason);
		return PASSWORD_CHANGE_STOPPED;
	}
	i_unreached();
}

enum password_change_result
password_change_run(const struct password_change_context *ctx,
		    struct request_row *row)
{
	enum password_change_result ret;
	enum job_result result;
	struct job job;

	job_init(&job, ctx, row);
	result = job_run(&job);
	job_release_mailbox(&job);
	ret = job_finish(&job, result);
	job_deinit(&job);
	return ret;
}
