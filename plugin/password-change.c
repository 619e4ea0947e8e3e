#include "lib.h"
#include "array.h"
#include "str.h"
#include "path-util.h"
#include "time-util.h"
#include "settings.h"
#include "mail-namespace.h"
#include "mail-storage.h"
#include "mail-storage-service.h"
#include "mail-user.h"
#include "pymailadmin-protocol.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "key-change.h"
#include "key-journal.h"
#include "key-password.h"
#include "live-sessions.h"
#include "mailbox-lock.h"
#include "password-hash.h"
#include "request-store.h"
#include "password-change.h"

#include <unistd.h>

#define LOCK_WAIT_MSECS (10*1000)
/* A request whose mailbox is busy, or that met a passing fault. */
#define RETRY_SECS 5
/* One that cannot be finished without the admin. */
#define RETRY_STUCK_SECS 60

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
	struct timeval locked;
	long long lock_usecs;
};

static enum job_result ATTR_FORMAT(4, 5)
job_stop(struct job *job, enum job_result result, const char *outcome,
	 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	job->outcome = outcome;
	job->reason = t_strdup_vprintf(fmt, args);
	va_end(args);
	return result;
}

static enum job_result job_database_failed(struct job *job, const char *error)
{
	return job_stop(job, JOB_STOP, "database", "%s", error);
}

/* Somebody else has moved the request on, or its time is over. */
static enum job_result job_lost(struct job *job)
{
	return job_stop(job, JOB_LATER, "lost",
		"the request is no longer this process's, or its window is "
		"over");
}

static bool job_is_interrupted(const struct job *job)
{
	return job->row->state != REQUEST_STATE_CLAIMED;
}

/*
 * Proof: nothing is written
 */

static enum job_result job_open_seal(struct job *job)
{
	const struct seal_binding binding = {
		.kind = job->row->kind,
		.address = job->row->address,
		.request_id = job->row->id,
		.created = job->row->created,
	};
	const char *error = job->ctx->seal_error;

	if (job->ctx->seal_key == NULL)
		return job_stop(job, JOB_FAIL, "seal", "%s", error);
	if (sealed_request_open(job->ctx->seal_key, &binding,
				job->row->sealed, job->row->sealed_size,
				job->secrets, &error) < 0)
		return job_stop(job, JOB_FAIL, "seal",
				"the sealed request does not open: %s", error);
	if (job->secrets->old_password[0] == '\0' ||
	    job->secrets->new_password[0] == '\0' ||
	    job->secrets->new_hash[0] == '\0')
		return job_stop(job, JOB_FAIL, "seal",
				"the sealed request lacks a password");
	return JOB_OK;
}

static enum job_result job_check_hashes(struct job *job)
{
	const char *error;
	int ret;

	ret = request_store_get_hash(job->ctx->store, job->row->address,
				     &job->old_hash, &error);
	if (ret < 0)
		return job_database_failed(job, error);
	if (ret == 0)
		return job_stop(job, JOB_FAIL, "unknown_mailbox",
				"there is no such mailbox");
	if (job_is_interrupted(job))
		return JOB_OK;
	ret = password_hash_verify(job->old_hash, job->row->address,
				   job->secrets->old_password, &error);
	if (ret <= 0)
		return job_stop(job, JOB_FAIL,
				ret == 0 ? "wrong_password" : "old_hash",
				"old password: %s", error);
	ret = password_hash_verify(job->secrets->new_hash, job->row->address,
				   job->secrets->new_password, &error);
	if (ret <= 0)
		return job_stop(job, JOB_FAIL, "new_hash", "new password: %s",
				error);
	return JOB_OK;
}

static enum job_result job_open_user(struct job *job)
{
	const struct mail_storage_service_input input = {
		.event_parent = job->ctx->event,
		.service = "doveadm",
		.protocol = PYMAILADMIN_PROTOCOL,
		.username = job->row->address,
	};
	const char *error;
	int ret;

	ret = mail_storage_service_lookup_next(job->ctx->storage_service,
					       &input, &job->user, &error);
	if (ret == 0)
		return job_stop(job, JOB_FAIL, "unknown_mailbox",
				"Dovecot's userdb does not know the mailbox");
	if (ret < 0)
		return job_stop(job, JOB_LATER, "user_lookup",
				"looking up the user failed: %s", error);
	if (mail_user_get_home(job->user, &job->home) <= 0)
		return job_stop(job, JOB_FAIL, "no_home",
				"the mailbox has no home directory");
	return JOB_OK;
}

static bool user_shares_folders(struct mail_user *user)
{
	const struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
			return TRUE;
	}
	return FALSE;
}

static enum job_result job_init_change(struct job *job)
{
	const struct pymailadmin_crypt_settings *crypt_set;
	const struct pymailadmin_settings *set = job->ctx->set;
	const char *error;

	if (settings_get(job->user->event,
			 &pymailadmin_crypt_setting_parser_info, 0,
			 &crypt_set, &error) < 0)
		return job_stop(job, JOB_LATER, "settings", "%s", error);
	if (key_password_derive(set, job->user->username,
				job->secrets->old_password,
				job->old_key_password, &error) < 0 ||
	    key_password_derive(set, job->user->username,
				job->secrets->new_password,
				job->new_key_password, &error) < 0) {
		settings_free(crypt_set);
		return job_stop(job, JOB_FAIL, "key_password", "%s", error);
	}

	const struct key_change_params params = {
		.event = job->event,
		.old_password = str_c(job->old_key_password),
		.new_password = str_c(job->new_key_password),
		.curve = crypt_set->crypt_user_key_curve,
		.renew = set->parsed_rekey_depth ==
			PYMAILADMIN_REKEY_DEPTH_KEYS,
		/* their folder keys may be wrapped to this user's key */
		.keep_user_keys = user_shares_folders(job->user),
	};
	job->change = key_change_new(&params);
	settings_free(crypt_set);
	return JOB_OK;
}

static int job_get_inbox_guid(struct job *job, const char **guid_r,
			      const char **error_r)
{
	struct mail_namespace *ns;
	struct mailbox_metadata metadata;
	struct mailbox *box;
	int ret;

	ns = mail_namespace_find_inbox(job->user->namespaces);
	box = mailbox_alloc(ns->list, "INBOX", MAILBOX_FLAG_READONLY);
	ret = mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata);
	if (ret < 0)
		*error_r = t_strdup(mailbox_get_last_internal_error(box, NULL));
	else
		*guid_r = t_strdup(guid_128_to_string(metadata.guid));
	mailbox_free(&box);
	return ret;
}

/* Reads the keys, again if they have been read. A user without an attribute
   dict has none, and job->keys stays NULL. */
static enum job_result job_read_keys(struct job *job)
{
	const char *error;

	key_store_close(&job->keys);
	if (key_store_open(job->user, &job->keys, &error) < 0)
		return job_stop(job, JOB_FAIL, "keys_unreadable",
				"reading the keys failed: %s", error);
	return JOB_OK;
}

static enum job_result job_prepare_keys(struct job *job)
{
	enum job_result result = job_read_keys(job);
	const char *guid, *error;
	int ret;

	if (result != JOB_OK || job->keys == NULL)
		return result;
	if (key_change_needs_inbox_guid(job->keys)) {
		if (job_get_inbox_guid(job, &guid, &error) < 0)
			return job_stop(job, JOB_FAIL, "keys_unreadable",
					"opening INBOX failed: %s", error);
		key_change_set_inbox_guid(job->change, guid);
	}
	ret = key_change_prepare(job->change, job->keys,
				 job_is_interrupted(job), &error);
	if (ret <= 0)
		return job_stop(job, JOB_FAIL,
				ret == 0 ? "key_password" : "keys_unreadable",
				ret == 0 ? "%s; the key password must be what "
				"pymailadmin_key_password says" : "%s", error);
	return JOB_OK;
}

/*
 * The lock
 */

static void job_kick(void *context)
{
	struct job *job = context;
	const char *error;
	unsigned int count;

	if (live_sessions_kick(job->ctx->base_dir, job->user->username,
			       &count, &error) < 0)
		e_warning(job->event, "ending sessions failed: %s", error);
}

static enum job_result job_lock(struct job *job)
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

static void job_unlock(struct job *job)
{
	struct timeval now;

	if (job->lock == NULL)
		return;
	mailbox_lock_free(&job->lock);
	i_gettimeofday(&now);
	job->lock_usecs = timeval_diff_usecs(&now, &job->locked);
}

/*
 * The switch of keys and hash
 */

static enum job_result job_advance(struct job *job, enum request_state state,
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

static enum job_result job_begin_switch(struct job *job)
{
	enum job_result result;
	const char *error;

	if (key_journal_write(job->home, job->row->id, job->old_hash,
			      job->keys, &error) < 0)
		return job_stop(job, JOB_FAIL, "journal",
				"writing the journal failed: %s", error);
	result = job_advance(job, REQUEST_STATE_SWITCHING,
			     job->ctx->set->pymailadmin_rekey_window);
	if (result == JOB_LATER &&
	    key_journal_remove(job->home, &error) < 0)
		e_warning(job->event, "%s", error);
	return result;
}

/* The journal is of this request, or there is none. */
static enum job_result job_read_journal(struct job *job)
{
	const char *error;

	if (key_journal_read(job->home, &job->journal, &error) < 0)
		return job_stop(job, JOB_LATER, "journal", "%s", error);
	if (job->journal != NULL &&
	    strcmp(job->journal->request_id, job->row->id) != 0)
		key_journal_free(&job->journal);
	return JOB_OK;
}

/* After a crash of the host the attribute dict may have lost what was not on
   the disk yet. */
static enum job_result job_restore_lost_keys(struct job *job)
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
	return job_prepare_keys(job);
}

static enum job_result job_switch_keys(struct job *job)
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
	const char *error;
	int ret;

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
	ret = request_store_claim(job->ctx->store, job->row,
		t_strdup_printf("%s/%u", job->row->claimed_by, ++job->claims),
		&error);
	if (ret < 0)
		return job_database_failed(job, error);
	return ret == 0 ? job_lost(job) : JOB_OK;
}

static enum job_result job_switch_hash(struct job *job)
{
	enum job_result result;
	const char *error;
	int ret;

	for (;;) {
		ret = request_store_switch(job->ctx->store, job->row,
					   job->secrets->new_hash, &error);
		if (ret > 0)
			return JOB_OK;
		if (ret == 0)
			error = "the mailbox or the request is gone";
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

/* Puts the keys back as they were. The hash is the old one. */
static enum job_result job_undo_switch(struct job *job)
{
	const char *error, *reason = job->reason, *outcome = job->outcome;
	enum job_result result = JOB_OK;

	if (job->journal == NULL)
		result = job_read_journal(job);
	if (result == JOB_OK)
		result = job_read_keys(job);
	if (result != JOB_OK || (job->journal == NULL && job->keys != NULL))
		return job_stop(job, JOB_LATER, "stuck",
				"%s; undoing it failed: %s", reason,
				result == JOB_OK ? "the journal is missing" :
				job->reason);
	if (job->keys != NULL &&
	    key_journal_undo_switch(job->journal, job->keys, &error) < 0)
		return job_stop(job, JOB_LATER, "stuck",
				"%s; undoing it failed: %s", reason, error);
	if (key_journal_remove(job->home, &error) < 0)
		e_warning(job->event, "%s", error);
	return job_stop(job, JOB_FAIL, outcome, "%s", reason);
}

static enum job_result job_switch(struct job *job)
{
	enum job_result result;

	result = job_switch_keys(job);
	if (result == JOB_OK)
		result = job_switch_hash(job);
	if (result == JOB_FAIL)
		result = job_undo_switch(job);
	return result;
}

/*
 * After the switch: the new password is the password
 */

static enum job_result job_flush_auth_cache(struct job *job)
{
	unsigned int count;
	const char *error;

	if (live_sessions_flush_auth_cache(job->ctx->base_dir,
					   job->user->username, &count,
					   &error) < 0)
		return job_stop(job, JOB_LATER, "auth_cache",
				"flushing the auth cache failed, the mailbox "
				"stays closed: %s", error);
	return job_advance(job, REQUEST_STATE_REKEYING, 0);
}

static enum job_result job_renew_keys(struct job *job)
{
	enum job_result result;
	const char *error;
	int ret;

	if (job->keys == NULL || job->ctx->set->parsed_rekey_depth !=
			PYMAILADMIN_REKEY_DEPTH_KEYS)
		return JOB_OK;
	ret = key_change_renew(job->change, job->keys, &error);
	if (ret < 0)
		return job_stop(job, JOB_LATER, "keys_not_written",
				"writing the new keys failed: %s", error);
	if (ret == 0)
		return JOB_OK;
	result = job_read_keys(job);
	if (result == JOB_OK && job->keys != NULL &&
	    key_change_check_renewal(job->change, job->keys, &error) < 0)
		return job_stop(job, JOB_LATER, "keys_not_written", "%s",
				error);
	return result == JOB_FAIL ? JOB_LATER : result;
}

static enum job_result job_rekey(struct job *job, bool resumed)
{
	enum job_result result = JOB_OK;
	const char *error;

	/* the journal goes last: without it everything has been done */
	if (!resumed || (job->journal != NULL && job->keys != NULL &&
			 !key_journal_is_renewed(job->journal, job->keys)))
		result = job_renew_keys(job);
	if (result == JOB_OK && key_journal_remove(job->home, &error) < 0)
		return job_stop(job, JOB_LATER, "journal", "%s", error);
	return result;
}

/*
 * The order of it all
 */

/* Runs under the lock. */
static enum job_result job_run_locked(struct job *job)
{
	const bool resumed = job->row->state == REQUEST_STATE_REKEYING;
	enum job_result result;

	/* what has changed since it was prepared without the lock */
	result = job_prepare_keys(job);
	if (result != JOB_OK)
		return result;
	if (job_is_interrupted(job)) {
		result = job_read_journal(job);
		if (result == JOB_OK)
			result = job_restore_lost_keys(job);
	} else {
		result = job_begin_switch(job);
	}
	if (result == JOB_OK && job->row->state == REQUEST_STATE_SWITCHING)
		result = job_switch(job);
	if (result == JOB_OK && job->row->state == REQUEST_STATE_SWITCHED)
		result = job_flush_auth_cache(job);
	if (result == JOB_OK)
		result = job_rekey(job, resumed);
	return result;
}

/* An interrupted request whose passwords or keys are lost: back if the hash is
   still the old one, else leave it at what has been done. */
static enum job_result job_resume_blindly(struct job *job)
{
	const char *reason = job->reason, *error;
	enum job_result result;

	if (job->user == NULL && (result = job_open_user(job)) != JOB_OK)
		return job_stop(job, JOB_LATER, "stuck", "%s; %s", reason,
				job->reason);
	if (job->lock == NULL && (result = job_lock(job)) != JOB_OK)
		return result == JOB_LATER ? result :
			job_stop(job, JOB_LATER, "stuck", "%s; %s", reason,
				 job->reason);
	if (job->row->state == REQUEST_STATE_SWITCHING)
		return job_undo_switch(job);
	if (job->row->state == REQUEST_STATE_SWITCHED &&
	    (result = job_flush_auth_cache(job)) != JOB_OK)
		return result;
	if (key_journal_remove(job->home, &error) < 0)
		e_warning(job->event, "%s", error);
	job->outcome = "no_new_keys";
	job->reason = t_strdup_printf(
		"the password is changed, new keys could not be made: %s",
		reason);
	return JOB_OK;
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
	if (result == JOB_FAIL && interrupted &&
	    job->row->state != REQUEST_STATE_CLAIMED)
		result = job_resume_blindly(job);
	return result;
}

static void job_deinit(struct job *job)
{
	key_change_free(&job->change);
	key_store_close(&job->keys);
	key_journal_free(&job->journal);
	/* before the window opens */
	job_unlock(job);
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

static enum password_change_result
job_finish(struct job *job, enum job_result result)
{
	const char *error;

	switch (result) {
	case JOB_OK:
		e_info(job->event, "password changed, the mailbox was locked "
		       "for %lld ms%s%s", job->lock_usecs / 1000,
		       job->reason == NULL ? "" : "; ",
		       job->reason == NULL ? "" : job->reason);
		return job_end(job, REQUEST_STATE_DONE,
			       job->outcome == NULL ? "done" : job->outcome,
			       PASSWORD_CHANGE_DONE);
	case JOB_FAIL:
		e_error(job->event, "password not changed: %s", job->reason);
		return job_end(job, REQUEST_STATE_FAILED, job->outcome,
			       PASSWORD_CHANGE_FAILED);
	case JOB_LATER:
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
	const char *error;
	struct job job = {
		.ctx = ctx,
		.row = row,
		.event = event_create(ctx->event),
		.secrets = i_new(struct seal_secrets, 1),
		.old_key_password = str_new(default_pool, 128),
		.new_key_password = str_new(default_pool, 128),
		.old_euid = geteuid(),
	};

	if (t_get_working_dir(&job.old_cwd, &error) < 0) {
		e_warning(ctx->event, "%s", error);
		job.old_cwd = "/";
	}
	event_set_append_log_prefix(job.event, t_strdup_printf(
		"pymailadmin(%s): request %s: ", row->address, row->id));
	result = job_run(&job);
	job_deinit(&job);
	ret = job_finish(&job, result);
	event_unref(&job.event);
	return ret;
}
