#include "lib.h"
#include "array.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "key-change.h"
#include "key-journal.h"
#include "request-backend.h"
#include "password-change-job.h"

enum job_result job_begin_switch(struct job *job)
{
	enum job_result result;
	const char *error;

	/* a database that lost its last commits does not know of a run whose
	   journal is there: that one has the keys as they were */
	if (job->journal == NULL &&
	    key_journal_write(job->home, job->row->id, job->old_hash,
			      job->keys, &error) < 0)
		result = job_stop(job, JOB_FAIL, "journal",
				  "writing the journal failed: %s", error);
	else
		result = job_advance(job, REQUEST_STATE_SWITCHING,
				     job->ctx->set->pymailadmin_rekey_window);
	/* nothing has been written, and nothing will be; if the database
	   failed it may have become switching, and needs the journal */
	if ((result == JOB_FAIL || result == JOB_LATER) &&
	    job->journal == NULL && key_journal_remove(job->home, &error) < 0)
		e_warning(job->event, "%s", error);
	return result;
}

enum job_result job_read_journal(struct job *job)
{
	const char *error;

	if (key_journal_read(job->home, &job->journal, &error) < 0)
		return job_stop(job, JOB_LATER, "journal", "%s", error);
	if (job->journal != NULL &&
	    strcmp(job->journal->request_id, job->row->id) != 0)
		key_journal_free(&job->journal);
	/* what the old password was proved against */
	if (job->journal != NULL && job_is_interrupted(job))
		job->old_hash = job->journal->old_hash;
	return JOB_OK;
}

enum job_result job_restore_lost_keys(struct job *job)
{
	unsigned int count;
	const char *error;

	if (job->journal == NULL || job->keys == NULL)
		return JOB_OK;
	if (key_journal_restore_lost(job->journal, job->keys, &count,
				     &error) < 0)
		return job_stop(job, JOB_LATER, "keys_not_written", "%s",
				error);
	if (count == 0)
		return JOB_OK;
	e_warning(job->event, "put back %u keys that the attribute dict had "
		  "lost", count);
	return job_read_keys(job);
}

enum job_result job_remove_journal(struct job *job)
{
	const char *error;

	if (key_journal_remove(job->home, &error) < 0)
		return job_stop(job, JOB_LATER, "journal", "%s", error);
	return JOB_OK;
}

enum job_result job_switch_keys(struct job *job)
{
	enum job_result result;
	const char *error;

	if (job->keys == NULL)
		return JOB_OK;
	if (key_change_switch(job->change, job->keys, &error) < 0)
		return job_stop(job, JOB_FAIL, "keys_not_written",
				"writing the keys failed: %s", error);
	result = job_read_keys(job);
	if (result == JOB_OK && job->keys != NULL &&
	    key_change_check_switch(job->change, job->keys, &error) < 0)
		return job_stop(job, JOB_FAIL, "keys_not_written", "%s",
				error);
	return result;
}

/* Claims the request again under another name, so that no statement sent
   before can have an effect any more. */
static enum job_result job_reclaim(struct job *job)
{
	ARRAY_TYPE(request_row) rows;
	struct request_row *row, *ours = NULL;
	enum request_backend_claim result;
	const char *error;

	t_array_init(&rows, 4);
	if (request_store_list(job->ctx->store, job->row->address,
			       pool_datastack_create(), &rows, &error) < 0)
		return job_database_failed(job, error);
	array_foreach_elem(&rows, row) {
		if (strcmp(row->id, job->row->id) == 0)
			ours = row;
	}
	if (ours == NULL ||
	    null_strcmp(ours->claimed_by, job->row->claimed_by) != 0)
		return job_lost(job);
	job->row->state = ours->state;
	if (request_backend_claim(job->ctx->store, job->row,
			t_strdup_printf("%s/%u", job->row->claimed_by,
					++job->claims), &result, &error) < 0)
		return job_database_failed(job, error);
	return result == REQUEST_BACKEND_CLAIM_DONE ? JOB_OK : job_lost(job);
}

static enum job_result job_switch_hash(struct job *job)
{
	enum job_result result;
	const char *error;
	int ret;

	for (;;) {
		ret = request_store_switch(job->ctx->store, job->row,
					   job->old_hash,
					   job->secrets->new_hash, &error);
		if (ret > 0)
			return JOB_OK;
		if (ret == 0)
			error = "the mailbox is gone, or somebody else has "
				"changed its hash";
		/* it may have arrived, and it may still arrive */
		error = t_strdup(error);
		result = job_reclaim(job);
		if (result != JOB_OK ||
		    job->row->state == REQUEST_STATE_SWITCHED)
			return result;
		if (ret == 0 || job->claims > 1)
			return job_stop(job, JOB_FAIL, "hash_not_written",
					"setting the hash failed: %s", error);
	}
}

static enum job_result job_undo_keys(struct job *job)
{
	enum job_result result = JOB_OK;
	const char *error;

	if (job->journal == NULL)
		result = job_read_journal(job);
	if (result == JOB_OK)
		result = job_read_keys(job);
	if (result != JOB_OK || job->keys == NULL)
		return result;
	if (job->journal == NULL)
		return job_stop(job, JOB_LATER, "stuck",
				"the journal is missing");
	if (key_journal_is_renewed(job->journal, job->keys))
		return job_stop(job, JOB_LATER, "stuck",
				"new keys have been made already");
	result = job_restore_lost_keys(job);
	if (result == JOB_OK &&
	    key_journal_undo_switch(job->journal, job->keys, &error) < 0)
		return job_stop(job, JOB_LATER, "stuck", "%s", error);
	return result;
}

enum job_result job_undo_switch(struct job *job)
{
	const char *reason = job->reason, *outcome = job->outcome;

	if (job_undo_keys(job) != JOB_OK)
		return job_stop(job, JOB_LATER, "stuck",
				"%s; undoing it failed: %s", reason,
				job->reason);
	job->undone = TRUE;
	return job_stop(job, JOB_FAIL, outcome, "%s", reason);
}

enum job_result job_switch(struct job *job)
{
	enum job_result result;

	result = job_switch_keys(job);
	if (result == JOB_OK)
		result = job_switch_hash(job);
	if (result == JOB_FAIL)
		result = job_undo_switch(job);
	return result;
}
