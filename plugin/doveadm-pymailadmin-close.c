#include "lib.h"
#include "array.h"
#include "time-util.h"
#include "closure-store.h"
#include "live-sessions.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>

#define MINUTE_SECS 60

/* Returns FALSE after pymailadmin_cmd_fail(). */
static bool get_secs(struct pymailadmin_cmd *cmd, unsigned int *secs_r)
{
	const unsigned int window = cmd->set->pymailadmin_rekey_window;
	int64_t minutes;

	*secs_r = window;
	if (!doveadm_cmd_param_int64(cmd->cctx, "for", &minutes))
		return TRUE;
	if (minutes < 1 || minutes > window / MINUTE_SECS) {
		pymailadmin_cmd_fail(cmd, EX_USAGE, "--for: a mailbox is "
			"closed for %s (pymailadmin_rekey_window)",
			window < MINUTE_SECS ? "less than a minute" :
			t_strdup_printf("1 to %u minutes",
					window / MINUTE_SECS));
		return FALSE;
	}
	*secs_r = (unsigned int)minutes * MINUTE_SECS;
	return TRUE;
}

/* Who gets in at the last moment is seen to by the next run of "process". */
static void end_sessions(struct pymailadmin_cmd *cmd, const char *username)
{
	const char *base_dir = doveadm_settings->base_dir, *error;
	/* anvil minds case; most hosts know users in small letters only */
	const char *lower = t_str_lcase(username);
	unsigned int count;
	int ret;

	ret = live_sessions_kick(base_dir, username, &count, &error);
	if (ret == 0 && strcmp(lower, username) != 0)
		ret = live_sessions_kick(base_dir, lower, &count, &error);
	if (ret < 0)
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"ending the sessions of %s failed: %s; end them with: "
			"doveadm kick %s", username, error, username);
}

static void close_user(struct pymailadmin_cmd *cmd, const char *username,
		       void *context)
{
	const unsigned int *secs = context;
	char id[SEAL_REQUEST_ID_LEN + 1];
	struct request_row row = {
		.id = id,
		.kind = REQUEST_KIND_CLOSE,
		.address = t_str_lcase(username),
	};
	const char *error;
	int ret;

	if (!pymailadmin_cmd_has_mailbox(cmd, username))
		return;
	if (seal_request_id_generate(id, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_SOFTWARE,
				     "making an id failed: %s", error);
		return;
	}
	ret = request_store_get_time(cmd->store, &row.created, &error);
	if (ret == 0)
		ret = closure_store_file(cmd->store, &row, *secs,
					 pymailadmin_cmd_asked_by(), &error);
	if (ret < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	} else if (ret == 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL,
			"%s has an open request already; see: "
			"doveadm pymailadmin status -u %s", username,
			username);
	} else {
		end_sessions(cmd, username);
		printf("Request %s filed. %s is closed until %s; before: "
		       "doveadm pymailadmin open -u %s\n", id, username,
		       t_strflocaltime("%Y-%m-%d %H:%M:%S", row.until),
		       username);
	}
}

static void cmd_pymailadmin_close(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;
	unsigned int secs;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_need_users(&cmd) && get_secs(&cmd, &secs) &&
	    pymailadmin_cmd_open_store(&cmd))
		pymailadmin_cmd_users(&cmd, close_user, &secs);
	pymailadmin_cmd_deinit(&cmd);
}

/*
 * open
 */

/* row NULL: nothing was ever asked for it. */
static void open_not_closed(struct pymailadmin_cmd *cmd, const char *username,
			    const struct request_row *row)
{
	uint64_t opens;

	if (row != NULL &&
	    request_row_keeps_closed(row, cmd->set->pymailadmin_rekey_window,
				     &opens)) {
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			row->state == REQUEST_STATE_PENDING ?
			"a change of its password keeps %s closed; to drop "
			"that: doveadm pymailadmin cancel -u %s" :
			"the password of %s is being changed; it opens by "
			"itself, see: doveadm pymailadmin status -u %s",
			username, username);
		return;
	}
	if (cmd->listed)
		return;
	if (pymailadmin_cmd_has_mailbox(cmd, username))
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE, "%s is not closed",
				     username);
}

static void open_closed(struct pymailadmin_cmd *cmd, struct request_row *row)
{
	const char *by = pymailadmin_cmd_asked_by(), *error;

	/* 0: its time has just ended */
	if (request_store_end(cmd->store, row, REQUEST_STATE_CANCELED,
			      "canceled", *by == '\0' ?
			      "opened by the administrator" :
			      t_strdup_printf("opened %s", by), &error) < 0)
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
}

static void open_user(struct pymailadmin_cmd *cmd, const char *username,
		      void *context ATTR_UNUSED)
{
	ARRAY_TYPE(request_row) rows;
	struct request_row *row = NULL;
	const char *error;
	pool_t pool;

	pool = pool_alloconly_create("pymailadmin request", 1024);
	p_array_init(&rows, pool, 16);
	if (request_store_list(cmd->store, username, pool, &rows,
			       &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
		pool_unref(&pool);
		return;
	}
	if (array_not_empty(&rows))
		row = array_idx_elem(&rows, 0);
	if (row != NULL && row->kind == REQUEST_KIND_CLOSE &&
	    !request_state_is_final(row->state))
		open_closed(cmd, row);
	else
		open_not_closed(cmd, username, row);
	pool_unref(&pool);
}

static void cmd_pymailadmin_open(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_need_users(&cmd) &&
	    pymailadmin_cmd_open_store(&cmd))
		pymailadmin_cmd_users(&cmd, open_user, NULL);
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_close = {
	.name = "pymailadmin close",
	.cmd = cmd_pymailadmin_close,
	.usage = PYMAILADMIN_CMD_USAGE_USERS" [--for <minutes>]",
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAM('\0', "for", CMD_PARAM_INT64, CMD_PARAM_FLAG_UNSIGNED)
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_open = {
	.name = "pymailadmin open",
	.cmd = cmd_pymailadmin_open,
	.usage = PYMAILADMIN_CMD_USAGE_USERS,
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAMS_END
};
