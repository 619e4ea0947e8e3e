#include "lib.h"
#include "array.h"
#include "llist.h"
#include "str.h"
#include "str-sanitize.h"
#include "path-util.h"
#include "mail-storage-service.h"
#include "mail-user.h"
#include "key-password.h"
#include "monotonic-time.h"
#include "process-memory.h"
#include "pymailadmin-settings.h"
#include "rekey-process.h"
#include "request-store.h"
#include "sealed-request.h"
#include "user-lookup.h"
#include "rekey-queue.h"

#include <unistd.h>

#define PROGRESS_INTERVAL_MSECS 1000
#define RETRY_SECS 10
#define RETRY_STUCK_SECS 60

struct rekey_job {
	struct rekey_job *prev, *next;
	pool_t pool;
	struct request_row *row;
	struct event *event;
	struct rekey_process process;
	uint64_t started_msecs, recorded_msecs;
	bool lost, yields;
};

struct rekey_queue {
	const struct password_change_context *ctx;
	rekey_queue_callback_t *callback;
	void *context;
	struct rekey_job *jobs;
	/* Nothing more is asked of it: Dovecot's driver does not survive a
	   second connection after one that was refused. */
	bool database_failed;
};

struct rekey_queue *
rekey_queue_init(const struct password_change_context *ctx,
		 rekey_queue_callback_t *callback, void *context)
{
	struct rekey_queue *queue = i_new(struct rekey_queue, 1);

	queue->ctx = ctx;
	queue->callback = callback;
	queue->context = context;
	return queue;
}

void rekey_queue_deinit(struct rekey_queue **queue)
{
	i_assert((*queue)->jobs == NULL);
	i_free(*queue);
}

bool rekey_queue_may_start(const struct rekey_queue *queue,
			   const struct request_row *row)
{
	const struct rekey_job *job;
	unsigned int closed = 0, background = 0;

	for (job = queue->jobs; job != NULL; job = job->next) {
		if (strcmp(job->row->id, row->id) == 0)
			return FALSE;
		if (job->row->state == REQUEST_STATE_STORING)
			background++;
		else
			closed++;
	}
	if (row->state == REQUEST_STATE_STORING ||
	    row->kind == REQUEST_KIND_ENCRYPT)
		return background < REKEY_QUEUE_MAX_BACKGROUND;
	/* those that were closed at first and are open now go on, too */
	return closed < REKEY_QUEUE_MAX;
}

static struct rekey_job *
job_new(struct rekey_queue *queue, const struct request_row *row)
{
	pool_t pool = pool_alloconly_create("pymailadmin rekey job", 4096);
	struct rekey_job *job = p_new(pool, struct rekey_job, 1);

	job->pool = pool;
	job->row = p_memdup(pool, row, sizeof(*row));
	job->row->id = p_strdup(pool, row->id);
	job->row->address = p_strdup(pool, row->address);
	job->row->claimed_by = p_strdup(pool, row->claimed_by);
	if (row->sealed != NULL)
		job->row->sealed = p_memdup(pool, row->sealed,
					    row->sealed_size);
	job->event = event_create(queue->ctx->event);
	event_add_str(job->event, "user", row->address);
	event_set_append_log_prefix(job->event, t_strdup_printf(
		"%s: request %s: ", str_sanitize(row->address, 254), row->id));
	job->started_msecs = job->recorded_msecs = monotonic_time_msecs();
	return job;
}

static void job_free(struct rekey_job *job)
{
	if (job->process.shared != NULL)
		rekey_process_free(&job->process);
	event_unref(&job->event);
	pool_unref(&job->pool);
}

static void job_tell(struct rekey_queue *queue, struct rekey_job *job,
		     enum password_change_result result)
{
	/* it makes way for another request, and goes on in this run */
	if (job->yields && result == PASSWORD_CHANGE_LATER)
		return;
	queue->callback(job->row, result, queue->context);
}

/* All that can be done is done. */
static void job_end(struct rekey_queue *queue, struct rekey_job *job,
		    enum request_state state, const char *outcome,
		    const char *reason)
{
	const char *error;
	int ret;

	ret = request_store_end(queue->ctx->store, job->row,
				state, outcome, reason, &error);
	if (ret < 0)
		e_error(job->event, "%s", error);
	job_tell(queue, job, ret <= 0 ? PASSWORD_CHANGE_STOPPED :
		 state == REQUEST_STATE_DONE ? PASSWORD_CHANGE_DONE :
		 PASSWORD_CHANGE_FAILED);
}

static void job_release(struct rekey_queue *queue, struct rekey_job *job,
			const char *outcome, const char *reason,
			unsigned int secs)
{
	const char *error;

	if (request_store_release(queue->ctx->store, job->row, outcome,
				  reason, secs, &error) < 0) {
		e_error(job->event, "%s", error);
		job_tell(queue, job, PASSWORD_CHANGE_STOPPED);
	} else {
		job_tell(queue, job, PASSWORD_CHANGE_LATER);
	}
}

/*
 * start
 */

static int job_get_key_password(struct rekey_queue *queue,
				struct rekey_job *job, const char *username,
				string_t *key_password, const char **error_r)
{
	const struct seal_binding binding = {
		.kind = job->row->kind,
		.address = job->row->address,
		.request_id = job->row->id,
		.created = job->row->created,
	};
	struct seal_secrets *secrets = i_new(struct seal_secrets, 1);
	int ret = -1;

	if (queue->ctx->seal_key == NULL)
		*error_r = queue->ctx->seal_error;
	else if (sealed_request_open(queue->ctx->seal_key, &binding,
				     job->row->sealed, job->row->sealed_size,
				     secrets, error_r) == 0) {
		ret = key_password_derive(queue->ctx->set, username,
			job->row->kind == REQUEST_KIND_ENCRYPT ?
				secrets->old_password : secrets->new_password,
			key_password, error_r);
	}
	seal_secrets_wipe(secrets);
	i_free(secrets);
	return ret;
}

static int job_start_as_user(struct rekey_queue *queue, struct rekey_job *job,
			     struct mail_user *user, const char **error_r)
{
	struct rekey_process_params params = {
		.event = job->event,
		.set = queue->ctx->set,
		.user = user,
		.base_dir = queue->ctx->base_dir,
		.seal_key = queue->ctx->seal_key,
		.background = job->row->state == REQUEST_STATE_STORING,
	};
	string_t *key_password = str_new(default_pool, 128);
	int ret;

	ret = job_get_key_password(queue, job, user->username, key_password,
				   error_r);
	if (ret == 0 && mail_user_get_home(user, &params.home) <= 0) {
		*error_r = "the mailbox has no home directory";
		ret = -1;
	}
	if (ret == 0) {
		params.key_password = str_c(key_password);
		ret = rekey_process_start(&params, &job->process, error_r);
	}
	buffer_clear_safe(key_password);
	str_free(&key_password);
	return ret;
}

/* Returns 1 if started, 0 if there is no such user any more, -1 on error. */
static int job_start(struct rekey_queue *queue, struct rekey_job *job,
		     const char **error_r)
{
	const uid_t old_euid = geteuid();
	struct mail_user *user = NULL;
	const char *old_cwd, *error;
	int ret;

	if (t_get_working_dir(&old_cwd, &error) < 0)
		old_cwd = "/";
	ret = user_lookup(queue->ctx->storage_service, job->event,
			  job->row->address, &user, error_r);
	/* looking up has changed the effective user */
	process_memory_protect();
	if (ret > 0)
		ret = job_start_as_user(queue, job, user, error_r) < 0 ?
			-1 : 1;
	if (user != NULL)
		mail_user_deinit(&user);
	mail_storage_service_restore_privileges(old_euid, old_cwd,
						queue->ctx->event);
	return ret;
}

void rekey_queue_abandon(struct rekey_queue *queue)
{
	struct rekey_job *job;

	queue->database_failed = TRUE;
	for (job = queue->jobs; job != NULL; job = job->next) {
		job->lost = TRUE;
		job->process.shared->stop = TRUE;
	}
}

static void queue_database_failed(struct rekey_queue *queue,
				  struct rekey_job *job, const char *error)
{
	e_error(job->event, "stopped: %s", error);
	rekey_queue_abandon(queue);
}

static void job_record(struct rekey_queue *queue, struct rekey_job *job,
		       bool begin)
{
	const struct rekey_shared *shared = job->process.shared;
	const struct request_progress progress = {
		.mails_done = shared->mails_done,
		.mails_total = shared->mails_total,
		.bytes_done = shared->bytes_done,
		.bytes_total = shared->bytes_total,
	};
	const char *error;

	if (request_store_progress(queue->ctx->store, job->row, &progress,
				   begin, &error) < 0)
		queue_database_failed(queue, job, error);
	job->recorded_msecs = monotonic_time_msecs();
}

void rekey_queue_start(struct rekey_queue *queue,
		       const struct request_row *row)
{
	struct rekey_job *job = job_new(queue, row);
	const char *error;
	int ret;

	ret = job_start(queue, job, &error);
	if (ret > 0) {
		DLLIST_PREPEND(&queue->jobs, job);
		job_record(queue, job, TRUE);
		return;
	}
	if (ret == 0) {
		job_end(queue, job, REQUEST_STATE_DONE, "unknown_user", error);
	} else {
		e_error(job->event, "re-encrypting stored mail cannot begin: "
			"%s", error);
		job_release(queue, job, "storage", error, RETRY_STUCK_SECS);
	}
	job_free(job);
}

/*
 * running
 */

static void job_send_event(struct rekey_job *job, const char *result)
{
	const struct rekey_shared *shared = job->process.shared;
	const uint64_t msecs = monotonic_time_msecs() - job->started_msecs;
	struct event_passthrough *e = event_create_passthrough(job->event)->
		set_name("pymailadmin_rekey_finished")->
		add_str("result", result)->
		add_int("mails", shared->mails_done)->
		add_int("bytes", shared->bytes_done)->
		add_int("mails_written", shared->mails_written)->
		add_int("bytes_written", shared->bytes_written)->
		add_int("duration", msecs * 1000);

	e_info(e->event(), "stored mail: %s; %llu of %llu mails, %llu MiB, "
	       "encrypted anew in %"PRIu64" ms%s%s", result,
	       (unsigned long long)shared->mails_written,
	       (unsigned long long)shared->mails_total,
	       (unsigned long long)shared->bytes_written / (1024 * 1024),
	       msecs, shared->reason[0] == '\0' ? "" : "; ",
	       shared->reason);
}

/* The password opens nothing. Has it been changed again since? Then that
   request's run does what is left. */
static bool job_is_superseded(struct rekey_queue *queue, struct rekey_job *job)
{
	ARRAY_TYPE(request_row) rows;
	struct request_row *row;
	const char *error;

	t_array_init(&rows, 8);
	if (request_store_list(queue->ctx->store, job->row->address,
			       pool_datastack_create(), &rows, &error) < 0) {
		e_error(job->event, "%s", error);
		return FALSE;
	}
	array_foreach_elem(&rows, row) {
		if (strcmp(row->id, job->row->id) != 0 &&
		    row->kind == REQUEST_KIND_PASSWORD &&
		    row->created >= job->row->created &&
		    (row->state == REQUEST_STATE_REKEYING ||
		     row->state == REQUEST_STATE_STORING ||
		     row->state == REQUEST_STATE_DONE))
			return TRUE;
	}
	return FALSE;
}

static void job_ended(struct rekey_queue *queue, struct rekey_job *job)
{
	const struct rekey_shared *shared = job->process.shared;
	const char *reason = shared->reason[0] == '\0' ? NULL : shared->reason;

	if (job->lost) {
		job_send_event(job, "lost");
		job_tell(queue, job, PASSWORD_CHANGE_STOPPED);
		return;
	}
	job_record(queue, job, FALSE);
	if (queue->database_failed) {
		job_tell(queue, job, PASSWORD_CHANGE_STOPPED);
		return;
	}
	switch (shared->result) {
	case REKEY_DONE:
		job_send_event(job, "done");
		job_end(queue, job, REQUEST_STATE_DONE, shared->outcome,
			reason);
		break;
	case REKEY_LATER:
		if (strcmp(shared->outcome, "key_password") == 0 &&
		    job_is_superseded(queue, job)) {
			job_send_event(job, "superseded");
			job_end(queue, job, REQUEST_STATE_DONE, "superseded",
				"the password has been changed again since");
			break;
		}
		if (strcmp(shared->outcome, "key_password") == 0 &&
		    job->row->kind == REQUEST_KIND_ENCRYPT) {
			job_send_event(job, "failed");
			job_end(queue, job, REQUEST_STATE_FAILED,
				shared->outcome, reason);
			break;
		}
		job_send_event(job, "later");
		job_release(queue, job, shared->outcome, reason,
			    strcmp(shared->outcome, "busy") == 0 ?
			    RETRY_SECS : RETRY_STUCK_SECS);
		break;
	case REKEY_STOPPED:
		job_send_event(job, "stopped");
		job_release(queue, job, "stopped", "it was told to stop, and "
			    "goes on", 0);
		break;
	case REKEY_KILLED:
		job_send_event(job, "killed");
		job_release(queue, job, "worker", "the process that "
			    "re-encrypts mail died", RETRY_SECS);
		break;
	}
}

static void job_open_window(struct rekey_queue *queue, struct rekey_job *job)
{
	const uint64_t now = job->row->now +
		(monotonic_time_msecs() - job->started_msecs) / 1000;
	const char *error;
	int ret;

	if (job->row->state != REQUEST_STATE_REKEYING ||
	    now < job->row->created + queue->ctx->set->pymailadmin_rekey_window)
		return;
	ret = request_store_advance(queue->ctx->store, job->row,
				    REQUEST_STATE_STORING, 0, &error);
	if (ret < 0) {
		queue_database_failed(queue, job, error);
	} else if (ret == 0) {
		e_warning(job->event, "another process has taken the request");
		job->lost = TRUE;
		job->process.shared->stop = TRUE;
	} else {
		e_info(job->event, "the mailbox is open, its stored mail is "
		       "being encrypted on");
		job->process.shared->background = TRUE;
	}
}

static void job_remove(struct rekey_queue *queue, struct rekey_job *job)
{
	DLLIST_REMOVE(&queue->jobs, job);
	job_free(job);
}

bool rekey_queue_has_failed(const struct rekey_queue *queue)
{
	return queue->database_failed;
}

unsigned int rekey_queue_poll(struct rekey_queue *queue)
{
	struct rekey_job *job, *next;
	unsigned int count = 0;

	for (job = queue->jobs; job != NULL; job = next) T_BEGIN {
		next = job->next;
		if (rekey_process_has_ended(&job->process, FALSE)) {
			job_ended(queue, job);
			job_remove(queue, job);
		} else {
			count++;
			if (!queue->database_failed)
				job_open_window(queue, job);
			if (!queue->database_failed &&
			    monotonic_time_msecs() - job->recorded_msecs >=
			    PROGRESS_INTERVAL_MSECS)
				job_record(queue, job, FALSE);
		}
	} T_END;
	return count;
}

void rekey_queue_stop(struct rekey_queue *queue, const char *address)
{
	struct rekey_job *job, *next;

	for (job = queue->jobs; job != NULL; job = job->next) {
		if (address == NULL ||
		    strcasecmp(job->row->address, address) == 0) {
			job->process.shared->stop = TRUE;
			job->yields = address != NULL;
		}
	}
	for (job = queue->jobs; job != NULL; job = next) {
		next = job->next;
		if (address != NULL &&
		    strcasecmp(job->row->address, address) != 0)
			continue;
		(void)rekey_process_has_ended(&job->process, TRUE);
		job_ended(queue, job);
		job_remove(queue, job);
	}
}
