#include "lib.h"
#include "array.h"
#include "time-util.h"
#include "str-sanitize.h"
#include "doveadm-print.h"
#include "pymailadmin-settings.h"
#include "request-progress.h"
#include "closure-store.h"
#include "request-store.h"
#include "doveadm-pymailadmin.h"

static const char *time_text(uint64_t secs)
{
	return t_strflocaltime("%Y-%m-%d %H:%M:%S", secs);
}

static const char *
closed_until(const struct pymailadmin_settings *set,
	     const struct request_row *row)
{
	uint64_t opens;

	if (row->kind == REQUEST_KIND_CREATE &&
	    !request_state_is_final(row->state))
		return "it is made";
	if (row->kind == REQUEST_KIND_DELETE &&
	    request_deletion_has_begun(row->state))
		return "deleted";
	if (!request_row_keeps_closed(row, set->pymailadmin_rekey_window,
				      &opens))
		return "";
	return opens == 0 ? "repaired" : time_text(opens);
}

static const char *
status_reason(const struct pymailadmin_settings *set,
	      const struct request_row *row)
{
	if (row->reason != NULL)
		return row->reason;
	if (row->kind == REQUEST_KIND_DELETE &&
	    row->state == REQUEST_STATE_PENDING)
		return t_strdup_printf("to be deleted after %s",
			time_text(row->created +
				  set->pymailadmin_deletion_grace));
	return "";
}

static void status_print(struct pymailadmin_cmd *cmd,
			 const struct request_row *row)
{
	doveadm_print(str_sanitize(row->address, 254));
	doveadm_print(request_state_name(row->state));
	doveadm_print(closed_until(cmd->set, row));
	doveadm_print(time_text(row->created));
	doveadm_print(request_kind_name(row->kind));
	doveadm_print_num(row->attempts);
	doveadm_print(row->id);
	doveadm_print(request_progress_text(row));
	doveadm_print(row->backend == NULL ? "" : row->backend);
	doveadm_print(row->outcome == NULL ? "" : row->outcome);
	doveadm_print(status_reason(cmd->set, row));
}

/* Not before there is an answer: a failure prints nothing. */
static void status_print_header(void)
{
	if (doveadm_print_is_initialized() &&
	    doveadm_print_get_headers_count() > 0)
		return;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("username");
	doveadm_print_header_simple("state");
	doveadm_print_header("closed-until", "closed until", 0);
	doveadm_print_header_simple("filed");
	doveadm_print_header_simple("kind");
	doveadm_print_header("attempts", "tries",
			     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
	doveadm_print_header_simple("request");
	doveadm_print_header("stored-mail", "stored mail", 0);
	doveadm_print_header_simple("backend");
	doveadm_print_header_simple("outcome");
	doveadm_print_header_simple("reason");
}

/* username NULL: what is open, whosesoever. */
static void status_user(struct pymailadmin_cmd *cmd, const char *username,
			void *context ATTR_UNUSED)
{
	ARRAY_TYPE(request_row) rows;
	struct request_row *row;
	const char *error;
	pool_t pool;

	pool = pool_alloconly_create("pymailadmin requests", 16*1024);
	p_array_init(&rows, pool, 64);
	if (request_store_list(cmd->store, username, pool, &rows,
			       &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
		pool_unref(&pool);
		return;
	}
	status_print_header();
	array_foreach_elem(&rows, row) T_BEGIN {
		status_print(cmd, row);
	} T_END;
	pool_unref(&pool);
}

static void status(struct pymailadmin_cmd *cmd)
{
	enum pymailadmin_users users;

	if (!pymailadmin_cmd_count_users(cmd, &users) ||
	    !pymailadmin_cmd_open_store(cmd))
		return;
	if (users == PYMAILADMIN_USERS_NONE)
		status_user(cmd, NULL, NULL);
	else
		pymailadmin_cmd_users(cmd, status_user, NULL);
}

static void status_follow(struct pymailadmin_cmd *cmd)
{
	enum pymailadmin_users users;
	const char *username;

	if (cmd->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
				     "--follow is for a terminal");
	} else if (!pymailadmin_cmd_count_users(cmd, &users)) {
		/* has been said */
	} else if (users != PYMAILADMIN_USERS_ONE) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
			"--follow: name the one mailbox with -u");
	} else if (pymailadmin_cmd_get_user(cmd, &username) &&
		   pymailadmin_cmd_open_store(cmd)) {
		pymailadmin_cmd_follow(cmd, username);
	}
}

static void cmd_pymailadmin_status(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;
	bool follow;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (doveadm_cmd_param_bool(cctx, "follow", &follow) && follow)
		status_follow(&cmd);
	else
		status(&cmd);
	pymailadmin_cmd_deinit(&cmd);
}

/* Who has all canceled means what closes mailboxes and can be asked for again,
   not mailboxes that are to be made or deleted. */
static bool is_canceled_with_others(const struct request_row *row)
{
	return (row->kind == REQUEST_KIND_PASSWORD ||
		row->kind == REQUEST_KIND_ENCRYPT) &&
		row->state != REQUEST_STATE_STORING &&
		!request_state_is_final(row->state);
}

static void cancel(struct pymailadmin_cmd *cmd, const char *username,
		   struct request_row *row)
{
	const char *error;
	int ret;

	if (cmd->listed && !is_canceled_with_others(row))
		return;
	if (row->state != REQUEST_STATE_PENDING &&
	    (row->state != REQUEST_STATE_CLAIMED ||
	     !pymailadmin_owner_is_gone(row->claimed_by))) {
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"the request of %s is %s and cannot be canceled",
			username, request_state_name(row->state));
		return;
	}
	ret = request_store_end(cmd->store, row,
		REQUEST_STATE_CANCELED, "canceled",
		"canceled by the administrator", &error);
	if (ret < 0)
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	else if (ret == 0)
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"the request of %s has just been taken", username);
}

static void retry(struct pymailadmin_cmd *cmd, const char *username,
		  struct request_row *row)
{
	const char *error;
	int ret;

	if (cmd->listed && (request_state_is_final(row->state) ||
			    row->kind == REQUEST_KIND_CLOSE))
		return;
	if (row->kind == REQUEST_KIND_CLOSE &&
	    !request_state_is_final(row->state)) {
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"%s is closed by an administrator; see: "
			"doveadm pymailadmin open -u %s", username, username);
		return;
	}
	if (request_state_is_final(row->state)) {
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"the request of %s is %s, and its passwords are wiped;"
			" file a new one", username,
			request_state_name(row->state));
		return;
	}
	if (!row->waiting)
		return;
	ret = request_store_retry(cmd->store, row, &error);
	if (ret < 0)
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
}

struct change {
	void (*change)(struct pymailadmin_cmd *cmd, const char *username,
		       struct request_row *row);
};

static void change_user(struct pymailadmin_cmd *cmd, const char *username,
			void *context)
{
	const struct change *change = context;
	struct request_row *row;
	pool_t pool;

	pool = pool_alloconly_create("pymailadmin request", 1024);
	if (pymailadmin_cmd_get_request(cmd, username, pool, &row))
		change->change(cmd, username, row);
	pool_unref(&pool);
}

static void
cmd_pymailadmin_change(struct doveadm_cmd_context *cctx,
		       void (*function)(struct pymailadmin_cmd *cmd,
					const char *username,
					struct request_row *row))
{
	struct change change = { .change = function };
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_need_users(&cmd) &&
	    pymailadmin_cmd_open_store(&cmd))
		pymailadmin_cmd_users(&cmd, change_user, &change);
	pymailadmin_cmd_deinit(&cmd);
}

static void cmd_pymailadmin_cancel(struct doveadm_cmd_context *cctx)
{
	cmd_pymailadmin_change(cctx, cancel);
}

static void cmd_pymailadmin_retry(struct doveadm_cmd_context *cctx)
{
	cmd_pymailadmin_change(cctx, retry);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_status = {
	.name = "pymailadmin status",
	.cmd = cmd_pymailadmin_status,
	.usage = "[-u <user> [--follow] | -A | -F <file>]",
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAM('\0', "follow", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_cancel = {
	.name = "pymailadmin cancel",
	.cmd = cmd_pymailadmin_cancel,
	.usage = PYMAILADMIN_CMD_USAGE_USERS,
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_retry = {
	.name = "pymailadmin retry",
	.cmd = cmd_pymailadmin_retry,
	.usage = PYMAILADMIN_CMD_USAGE_USERS,
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAMS_END
};
