#include "lib.h"
#include "array.h"
#include "hex-binary.h"
#include "hostpid.h"
#include "master-service.h"
#include "sleep.h"
#include "mail-storage-service.h"
#include "sealed-request.h"
#include "str-sanitize.h"
#include "doveadm-print.h"
#include "pymailadmin-settings.h"
#include "closure-run.h"
#include "create-request.h"
#include "delete-request.h"
#include "encrypt-request.h"
#include "monotonic-time.h"
#include "password-change.h"
#include "rekey-queue.h"
#include "request-backend.h"
#include "request-store.h"
#include "seal-key-file.h"
#include "sql-run.h"
#include "process-memory.h"
#include "sql-check.h"
#include "doveadm-pymailadmin.h"

#define HEARTBEAT_INTERVAL_MSECS (60 * 1000)
/* How long a new request waits while mail is being re-encrypted. */
#define LIST_INTERVAL_MSECS 1000
#define POLL_INTERVAL_MSECS 20
/* Where many wait, a new one of a person waits no longer than that for those of
   others. */
#define PASS_MAX_MSECS (10 * 1000)

struct process {
	struct pymailadmin_cmd cmd;
	struct password_change_context change;
	struct seal_private_key seal_key;
	struct rekey_queue *queue;
	struct closure_run *closures;
	const char *owner;
	uint64_t heartbeat_msecs;
	/* NULL: everybody's requests */
	const char *one;
	unsigned int jobs_left;
	bool printed;
	/* The list has been gone through once. */
	bool again;
	/* Something was done in the last pass. */
	bool worked;
	/* Something was handed on in the last pass. */
	bool moved;
	/* There was more to do than it had time for. */
	bool cut;
};

static void process_print(struct process *process,
			  const struct request_row *row, const char *result)
{
	if (!process->printed) {
		doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
		doveadm_print_header_simple("username");
		doveadm_print_header_simple("request");
		doveadm_print_header_simple("kind");
		doveadm_print_header_simple("result");
		process->printed = TRUE;
	}
	doveadm_print(str_sanitize(row->address, 254));
	doveadm_print(row->id);
	doveadm_print(request_kind_name(row->kind));
	doveadm_print(result);
}

static bool process_is_ours(const struct process *process,
			    const struct request_row *row)
{
	/* the other kinds are not known here */
	if (row->kind != REQUEST_KIND_PASSWORD &&
	    row->kind != REQUEST_KIND_CREATE &&
	    row->kind != REQUEST_KIND_ENCRYPT &&
	    (row->kind != REQUEST_KIND_DELETE ||
	     !delete_request_is_due(&process->change, row)))
		return FALSE;
	if (process->one != NULL)
		return !process->again &&
			strcasecmp(process->one, row->address) == 0;
	return !row->waiting;
}

static bool process_is_free(const struct request_row *row)
{
	return row->claimed_by == NULL || row->lease_expired ||
		pymailadmin_owner_is_gone(row->claimed_by);
}

static bool process_is_expired(const struct process *process,
			       const struct request_row *row)
{
	if (row->state != REQUEST_STATE_PENDING &&
	    row->state != REQUEST_STATE_CLAIMED)
		return FALSE;
	if (row->kind == REQUEST_KIND_CREATE)
		return create_request_is_expired(row);
	return row->kind == REQUEST_KIND_PASSWORD &&
		row->now >= row->created +
			process->cmd.set->pymailadmin_rekey_window;
}

/* What failed may be about one row: the others are to be served. */
static bool process_database_works(struct process *process)
{
	uint64_t now;
	const char *error;

	/* the next run goes on */
	if (sql_run_has_lost_server())
		return FALSE;
	return request_store_get_time(process->cmd.store, &now, &error) >= 0;
}

/* Returns FALSE if the database failed. */
static bool process_expire(struct process *process, struct request_row *row)
{
	const char *error;
	int ret;

	ret = request_store_end(process->cmd.store, row,
		REQUEST_STATE_EXPIRED, "expired", row->reason == NULL ?
		"nobody worked on it in time" : row->reason, &error);
	if (ret < 0) {
		pymailadmin_cmd_fail(&process->cmd, EX_TEMPFAIL, "%s", error);
		return process_database_works(process);
	}
	if (ret > 0) {
		e_warning(process->cmd.event, "request %s of %s expired, %s",
			  row->id, str_sanitize(row->address, 254),
			  row->kind == REQUEST_KIND_CREATE ?
			  "the mailbox is not made" :
			  "the old password stays");
		process_print(process, row, "expired");
	}
	return TRUE;
}

static void process_say(const struct request_row *row,
			enum password_change_result result, void *context)
{
	struct process *process = context;

	switch (result) {
	case PASSWORD_CHANGE_DONE:
		process_print(process, row, "done");
		break;
	case PASSWORD_CHANGE_STORING:
		/* to be said when that has come to an end */
		break;
	case PASSWORD_CHANGE_FAILED:
		process_print(process, row, "failed");
		pymailadmin_cmd_set_exit_code(EX_DATAERR);
		break;
	case PASSWORD_CHANGE_LATER:
		process_print(process, row, "later");
		pymailadmin_cmd_set_exit_code(EX_TEMPFAIL);
		break;
	case PASSWORD_CHANGE_WAITING:
		process_print(process, row, "waiting");
		break;
	case PASSWORD_CHANGE_STOPPED:
		process_print(process, row, "stopped");
		pymailadmin_cmd_set_exit_code(EX_TEMPFAIL);
		break;
	}
}

static enum password_change_result
process_work(struct process *process, struct request_row *row)
{
	enum password_change_result result = PASSWORD_CHANGE_STORING;

	/* waits for what goes on in the background */
	if (row->kind == REQUEST_KIND_DELETE)
		return delete_request_run(&process->change, row);

	/* an older change of it goes on in the background, and would meet
	   other keys */
	rekey_queue_stop(process->queue, row->address);
	if (row->kind == REQUEST_KIND_CREATE)
		result = create_request_run(&process->change, row);
	else if (row->kind == REQUEST_KIND_ENCRYPT)
		result = encrypt_request_run(&process->change, row);
	else if (row->state != REQUEST_STATE_STORING)
		result = password_change_run(&process->change, row);
	if (result == PASSWORD_CHANGE_STORING)
		rekey_queue_start(process->queue, row);
	return result;
}

/* Returns FALSE if the database failed. */
static bool process_closure_ended(const struct request_row *row,
				  const char *error, void *context)
{
	struct process *process = context;

	if (error != NULL) {
		pymailadmin_cmd_fail(&process->cmd, EX_TEMPFAIL, "%s", error);
		return process_database_works(process);
	}
	process_print(process, row, "done");
	return TRUE;
}

/* Returns FALSE if the database failed. */
static bool process_request(struct process *process, pool_t pool,
			    struct request_row *row)
{
	enum password_change_result result;
	enum request_backend_claim claim;
	const char *error;

	if (request_backend_claim(process->cmd.store, row, process->owner,
				  &claim, &error) < 0 ||
	    (claim == REQUEST_BACKEND_CLAIM_DONE &&
	     request_store_read_seal(process->cmd.store, pool, row,
				     &error) < 0)) {
		pymailadmin_cmd_fail(&process->cmd, EX_TEMPFAIL, "%s", error);
		return process_database_works(process);
	}
	if (claim == REQUEST_BACKEND_CLAIM_MOVED) {
		e_info(process->cmd.event, "request %s of %s is handed on: "
		       "the mailbox is on another mail host now", row->id,
		       str_sanitize(row->address, 254));
		/* it may be this one */
		process->worked = process->moved = TRUE;
	}
	if (claim != REQUEST_BACKEND_CLAIM_DONE)
		return TRUE;
	process->jobs_left--;
	process->worked = TRUE;
	result = process_work(process, row);
	process_say(row, result, process);
	return result != PASSWORD_CHANGE_STOPPED ||
		process_database_works(process);
}

static int process_list(struct process *process, pool_t pool,
			ARRAY_TYPE(request_row) *rows, const char **error_r)
{
	if (process->one != NULL)
		return request_store_list(process->cmd.store, process->one,
					  pool, rows, error_r);
	return request_store_list_work(process->cmd.store, my_hostname,
		process->cmd.set->pymailadmin_rekey_window,
		process->cmd.set->pymailadmin_deletion_grace, pool, rows,
		error_r);
}

/* Returns FALSE if the database failed. */
static bool process_requests(struct process *process)
{
	ARRAY_TYPE(request_row) rows;
	struct request_row *row;
	const char *error;
	uint64_t begun;
	bool ok = TRUE, cut;
	pool_t pool;

	pool = pool_alloconly_create("pymailadmin requests", 16*1024);
	p_array_init(&rows, pool, 64);
	if (process_list(process, pool, &rows, &error) < 0) {
		pymailadmin_cmd_fail(&process->cmd, EX_TEMPFAIL, "%s", error);
		pool_unref(&pool);
		return FALSE;
	}
	begun = monotonic_time_msecs();
	array_foreach_elem(&rows, row) T_BEGIN {
		if (!ok || master_service_is_killed(master_service) ||
		    request_state_is_final(row->state) ||
		    process->jobs_left == 0 ||
		    !process_is_ours(process, row) || !process_is_free(row))
			;
		else if (monotonic_time_msecs() - begun > PASS_MAX_MSECS)
			process->cut = TRUE;
		else if (process_is_expired(process, row))
			ok = process_expire(process, row);
		else if (rekey_queue_may_start(process->queue, row))
			ok = process_request(process, pool, row);
	} T_END;
	if (ok) {
		ok = closure_run_pass(process->closures, &rows, process->one,
				      process_closure_ended, process, &cut);
		process->cut = process->cut || cut;
	}
	pool_unref(&pool);
	return ok;
}

static void process_heartbeat(struct process *process)
{
	unsigned char id[SEAL_KEY_ID_SIZE];
	struct seal_public_key pub;
	const char *key_id = NULL, *error;

	if (process->change.seal_key != NULL &&
	    seal_private_to_public(&process->seal_key, &pub, &error) == 0) {
		seal_public_key_id(&pub, id);
		key_id = binary_to_hex(id, sizeof(id));
	}
	if (request_backend_heartbeat(process->cmd.store, my_hostname, key_id,
				      &error) < 0)
		pymailadmin_cmd_fail(&process->cmd, EX_TEMPFAIL, "%s", error);
	process->heartbeat_msecs = monotonic_time_msecs();
}

/* Until nothing is left to do: as long as stored mail is being re-encrypted,
   new requests are worked on, and then what made way for them. */
static void process_loop(struct process *process)
{
	uint64_t listed;

	do T_BEGIN {
		process->worked = process->moved = process->cut = FALSE;
		if (!rekey_queue_has_failed(process->queue) &&
		    !process_requests(process))
			rekey_queue_abandon(process->queue);
		/* what was handed to this host has not had its turn */
		process->again = !process->moved;
		listed = monotonic_time_msecs();
		if (listed - process->heartbeat_msecs >=
		    HEARTBEAT_INTERVAL_MSECS &&
		    !rekey_queue_has_failed(process->queue))
			process_heartbeat(process);
		while (rekey_queue_poll(process->queue) > 0 &&
		       !master_service_is_killed(master_service) &&
		       monotonic_time_msecs() - listed < LIST_INTERVAL_MSECS)
			i_sleep_intr_msecs(POLL_INTERVAL_MSECS);
	} T_END; while ((rekey_queue_poll(process->queue) > 0 ||
			 process->worked || process->cut) &&
			!rekey_queue_has_failed(process->queue) &&
			!master_service_is_killed(master_service));
	rekey_queue_stop(process->queue, NULL);
}

static void process_read_seal_key(struct process *process)
{
	const char *error;

	if (seal_key_file_read(process->cmd.set->pymailadmin_seal_key_path,
			       &process->seal_key, &error) > 0) {
		process->change.seal_key = &process->seal_key;
		return;
	}
	process->change.seal_error = error;
	pymailadmin_cmd_fail(&process->cmd, EX_CONFIG,
			     "reading the seal key failed: %s", error);
}

/* As request_backend_claim() goes by: what has not begun is of where the mailbox
   is now. */
static int process_backend_of(struct process *process,
			      const struct request_row *row,
			      const char **backend_r, const char **error_r)
{
	if (row->state == REQUEST_STATE_PENDING ||
	    row->state == REQUEST_STATE_CLAIMED ||
	    row->state == REQUEST_STATE_STORING) {
		*backend_r = NULL;
		return request_backend_of(process->cmd.store, row->address,
					  backend_r, error_r);
	}
	*backend_r = row->backend;
	return 0;
}

/* The request of one mailbox may be for other hosts: say so. */
static void process_find_one(struct process *process)
{
	ARRAY_TYPE(request_row) rows;
	const struct request_row *row;
	const char *backend, *error;

	t_array_init(&rows, 8);
	if (request_store_list(process->cmd.store, process->one,
			       pool_datastack_create(), &rows, &error) < 0 ||
	    array_is_empty(&rows))
		return;
	row = array_idx_elem(&rows, 0);
	/* if it fails, so does the claim, which says why */
	if (!request_state_is_final(row->state) &&
	    process_backend_of(process, row, &backend, &error) >= 0 &&
	    !request_backend_is_ours(process->cmd.store, backend))
		pymailadmin_cmd_fail(&process->cmd, EX_UNAVAILABLE,
			"the request of %s is for mail hosts %s, not for this "
			"one", process->one, backend == NULL ?
			"without pymailadmin_backend" : t_strdup_printf(
			"with pymailadmin_backend = %s", backend));
}

/* With other tables it could not tell what it does. Windows end by time alone
   meanwhile, but for mailboxes in the middle of the switch, which have to wait
   for it. */
static bool process_knows_tables(struct process *process)
{
	const char *error, *ignored;
	unsigned int count;
	int ret = sql_check_schema(process->cmd.store, &error);

	if (ret > 0)
		return TRUE;
	if (ret == 0 && sql_check_switching(process->cmd.store, &count,
					    &ignored) > 0 && count > 0)
		error = t_strdup_printf("%s; requests in the states switching "
			"and switched keep their mailboxes closed until then: "
			"%u", error, count);
	pymailadmin_cmd_fail(&process->cmd, ret < 0 ? EX_TEMPFAIL : EX_CONFIG,
			     "%s", error);
	return FALSE;
}

static void process_run(struct process *process)
{
	struct mail_storage_service_ctx *storage_service;

	if (!pymailadmin_cmd_open_store(&process->cmd) ||
	    !process_knows_tables(process))
		return;
	process_read_seal_key(process);
	process_heartbeat(process);
	if (sql_run_has_lost_server()) {
		seal_private_key_wipe(&process->seal_key);
		return;
	}

	storage_service = mail_storage_service_init(master_service,
		MAIL_STORAGE_SERVICE_FLAG_USERDB_LOOKUP |
		MAIL_STORAGE_SERVICE_FLAG_NO_LOG_INIT |
		MAIL_STORAGE_SERVICE_FLAG_TEMP_PRIV_DROP |
		MAIL_STORAGE_SERVICE_FLAG_NO_CHDIR |
		MAIL_STORAGE_SERVICE_FLAG_NO_IDLE_TIMEOUT);
	process->change.event = process->cmd.event;
	process->change.set = process->cmd.set;
	process->change.store = process->cmd.store;
	process->change.storage_service = storage_service;
	process->change.base_dir = doveadm_settings->base_dir;
	process->owner = pymailadmin_owner_self();
	if (process->one != NULL)
		process_find_one(process);

	process->queue = rekey_queue_init(&process->change, process_say,
					  process);
	process->closures = closure_run_init(process->cmd.event,
		process->cmd.store, process->change.base_dir,
		process->cmd.set->pymailadmin_rekey_window);
	process_loop(process);
	closure_run_deinit(&process->closures);
	rekey_queue_deinit(&process->queue);
	seal_private_key_wipe(&process->seal_key);
	/* unloads the mail plugins: nothing of a module may be left by then */
	request_store_deinit(&process->cmd.store);
	mail_storage_service_deinit(&storage_service);
}

static void cmd_pymailadmin_process(struct doveadm_cmd_context *cctx)
{
	struct process process;

	i_zero(&process);
	if (!pymailadmin_cmd_init(&process.cmd, cctx))
		return;
	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(&process.cmd, EX_USAGE,
			"run process in a terminal or a timer of this host");
		pymailadmin_cmd_deinit(&process.cmd);
		return;
	}
	process.jobs_left = UINT_MAX;
	(void)doveadm_cmd_param_str(cctx, "one", &process.one);
	if (pymailadmin_cmd_get_number(&process.cmd, "max-jobs", UINT_MAX,
				       &process.jobs_left)) {
		process_memory_protect();
		process_run(&process);
	}
	pymailadmin_cmd_deinit(&process.cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_process = {
	.name = "pymailadmin process",
	.cmd = cmd_pymailadmin_process,
	.usage = "[--max-jobs <n>] [--one <user>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "max-jobs", CMD_PARAM_INT64, CMD_PARAM_FLAG_UNSIGNED)
DOVEADM_CMD_PARAM('\0', "one", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
