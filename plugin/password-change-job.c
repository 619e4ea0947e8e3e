#include "lib.h"
#include "request-store.h"
#include "password-change-job.h"

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
