#include "lib.h"
#include "buffer.h"
#include "path-util.h"
#include "str.h"
#include "str-sanitize.h"
#include "time-util.h"
#include "mail-storage-service.h"
#include "mail-user.h"
#include "sealed-request.h"
#include "live-sessions.h"
#include "mailbox-lock.h"
#include "request-store.h"
#include "password-change-job.h"

#include <unistd.h>

#define LOCK_WAIT_MSECS (10*1000)
/* A request whose mailbox is busy, or that met a passing fault. */
#define RETRY_SECS 5
/* One that cannot be finished without the admin. */
#define RETRY_STUCK_SECS 60

void job_init(struct job *job, const struct password_change_context *ctx,
	      struct request_row *row)
{
	const char *error;

	i_zero(job);
	job->ctx = ctx;
	job->row = row;
	job->event = event_create(ctx->event);
	job->secrets = i_new(struct seal_secrets, 1);
	job->old_key_password = str_new(default_pool, 128);
	job->new_key_password = str_new(default_pool, 128);
	job->old_euid = geteuid();
	i_gettimeofday(&job->claimed);
	if (t_get_working_dir(&job->old_cwd, &error) < 0) {
		e_warning(ctx->event, "%s", error);
		job->old_cwd = "/";
	}
	event_set_append_log_prefix(job->event, t_strdup_printf(
		"%s: request %s: ", str_sanitize(row->address, 254), row->id));
}

void job_deinit(struct job *job)
{
	if (job->user != NULL)
		mail_user_deinit(&job->user);
	mail_storage_service_restore_privileges(job->old_euid, job->old_cwd,
						job->ctx->event);
	seal_secrets_wipe(job->secrets);
	i_free(job->secrets);
	buffer_clear_safe(job->old_key_password);
	buffer_clear_safe(job->new_key_password);
	str_free(&job->old_key_password);
	str_free(&job->new_key_password);
	event_unref(&job->event);
}


enum job_result job_stop(struct job *job, enum job_result result,
			 const char *outcome, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	job->outcome = outcome;
	job->reason = t_strdup_vprintf(fmt, args);
	va_end(args);
	return result;
}

enum job_result job_database_failed(struct job *job, const char *error)
{
	return job_stop(job, JOB_STOP, "database", "%s", error);
}

enum job_result job_lost(struct job *job)
{
	return job_stop(job, JOB_LATER, "lost",
		"the request is no longer this process's, or its window is "
		"over");
}

bool job_is_interrupted(const struct job *job)
{
	return job->row->state != REQUEST_STATE_CLAIMED;
}

enum job_result job_advance(struct job *job, enum request_state state,
			    uint32_t window_secs)
{
	const char *error;
	int ret;

	ret = request_store_advance(job->ctx->store, job->row, state,
				    window_secs, &error);
	if (ret < 0)
		return job_database_failed(job, error);
	return ret == 0 ? job_lost(job) : JOB_OK;
}

static void job_kick(void *context)
{
	struct job *job = context;
	const char *error;
	unsigned int count;

	if (live_sessions_kick(job->ctx->base_dir, job->user->username,
			       &count, &error) < 0)
		e_warning(job->event, "ending sessions failed: %s", error);
}

enum job_result job_lock(struct job *job)
{
	const char *error;
	int ret;

	ret = mailbox_lock_exclusive(job->home, LOCK_WAIT_MSECS, job_kick, job,
				     &job->lock, &error);
	if (ret < 0)
		return job_stop(job, JOB_FAIL, "lock",
				"the mailbox lock cannot be taken: %s", error);
	if (ret == 0)
		return job_stop(job, JOB_LATER, "busy", "%s", error);
	i_gettimeofday(&job->locked);
	return JOB_OK;
}

void job_unlock(struct job *job)
{
	struct timeval now;

	if (job->lock == NULL)
		return;
	mailbox_lock_free(&job->lock);
	i_gettimeofday(&now);
	job->lock_usecs = timeval_diff_usecs(&now, &job->locked);
}

enum password_change_result job_release(struct job *job)
{
	const char *error;

	e_warning(job->event, "to be tried again: %s", job->reason);
	if (request_store_release(job->ctx->store, job->row,
				  job->outcome, job->reason,
				  strcmp(job->outcome, "stuck") == 0 ?
					RETRY_STUCK_SECS : RETRY_SECS,
				  &error) < 0) {
		e_error(job->event, "%s", error);
		return PASSWORD_CHANGE_STOPPED;
	}
	return PASSWORD_CHANGE_LATER;
}
