#include "lib.h"
#include "array.h"
#include "mail-user.h"
#include "pymailadmin-settings.h"
#include "key-change.h"
#include "key-journal.h"
#include "live-sessions.h"
#include "request-store.h"
#include "password-change-job.h"

enum job_result job_flush_auth_cache(struct job *job)
{
	unsigned int count;
	const char *error;

	if (live_sessions_flush_auth_cache(job->ctx->base_dir,
					   job->user == NULL ?
						job->row->address :
						job->user->username,
					   &count, &error) < 0)
		return job_stop(job, JOB_LATER, "auth_cache",
				"flushing the auth cache failed, the mailbox "
				"stays closed: %s", error);
	return job_advance(job, REQUEST_STATE_REKEYING, 0);
}

static enum job_result job_renew_keys(struct job *job)
{
	enum job_result result;
	unsigned int unopened;
	const char *error;
	int ret;

	if (job->keys == NULL)
		return JOB_OK;
	ret = key_change_renew(job->change, job->keys, &error);
	if (ret < 0)
		return job_stop(job, JOB_LATER, "keys_not_written",
				"writing the new keys failed: %s", error);
	if (ret == 0)
		return JOB_OK;
	unopened = key_change_get_unopened_count(job->change);
	if (unopened > 0) {
		job->reason = t_strdup_printf("%u folder keys that no user "
			"key opens were left alone", unopened);
	}
	result = job_read_keys(job);
	if (result == JOB_OK && job->keys != NULL &&
	    key_change_check_renewal(job->change, job->keys, &error) < 0)
		return job_stop(job, JOB_LATER, "keys_not_written", "%s",
				error);
	return result == JOB_FAIL ? JOB_LATER : result;
}

enum job_result job_rekey(struct job *job, bool resumed)
{
	enum job_result result = JOB_OK;

	/* the journal goes last: without it everything has been done */
	if (!resumed || (job->journal != NULL && job->keys != NULL &&
			 !key_journal_is_renewed(job->journal, job->keys)))
		result = job_renew_keys(job);
	return result != JOB_OK ? result : job_remove_journal(job);
}
