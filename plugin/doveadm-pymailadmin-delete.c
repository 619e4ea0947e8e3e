#include "lib.h"
#include "time-util.h"
#include "deletion-store.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>
#include <unistd.h>

#define CONFIRM_LINE_MAX 1024

static const char *time_text(uint64_t secs)
{
	return t_strflocaltime("%Y-%m-%d %H:%M:%S", secs);
}

/*
 * delete
 */

static bool is_confirmed(struct pymailadmin_cmd *cmd)
{
	bool yes;

	return doveadm_cmd_param_bool(cmd->cctx, "yes", &yes) && yes;
}

static bool confirm(struct pymailadmin_cmd *cmd, const char *username)
{
	char line[CONFIRM_LINE_MAX];

	if (is_confirmed(cmd))
		return TRUE;
	if (cmd->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(cmd, EX_USAGE, "--yes is missing");
		return FALSE;
	}
	if (isatty(STDIN_FILENO) == 1)
		fprintf(stderr, "All mail of %s will be lost. "
			"Type the address to confirm: ", username);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, username) == 0)
		return TRUE;
	pymailadmin_cmd_fail(cmd, EX_NOINPUT, "nothing is deleted: "
			     "the address was not typed");
	return FALSE;
}

static void file_deletion(struct pymailadmin_cmd *cmd, const char *username)
{
	char id[SEAL_REQUEST_ID_LEN + 1];
	struct request_row row = {
		.id = id,
		.kind = REQUEST_KIND_DELETE,
		.address = username,
		/* who is root here needs no password */
		.sealed = uchar_empty_ptr,
	};
	const char *error;
	int ret;

	if (seal_request_id_generate(id, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_SOFTWARE,
				     "making an id failed: %s", error);
		return;
	}
	ret = request_store_get_time(cmd->store, &row.created, &error);
	if (ret == 0)
		ret = request_store_file(cmd->store, &row, &error);
	if (ret < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	} else if (ret == 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL,
			"%s has an open request already; see: "
			"doveadm pymailadmin status -u %s", username,
			username);
	} else {
		printf("Request %s filed. The mailbox is deleted after %s; "
		       "until then: doveadm pymailadmin undelete -u %s\n", id,
		       time_text(row.created +
				 cmd->set->pymailadmin_deletion_grace),
		       username);
	}
}

static void delete_user(struct pymailadmin_cmd *cmd, const char *username,
			void *context ATTR_UNUSED)
{
	if (pymailadmin_cmd_has_mailbox(cmd, username) && confirm(cmd, username))
		file_deletion(cmd, username);
}

static void cmd_pymailadmin_delete(struct doveadm_cmd_context *cctx)
{
	enum pymailadmin_users users;
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (!pymailadmin_cmd_need_users(&cmd) ||
	    !pymailadmin_cmd_count_users(&cmd, &users)) {
		/* has been said */
	} else if (users == PYMAILADMIN_USERS_MANY && !is_confirmed(&cmd)) {
		/* nobody types a thousand addresses */
		pymailadmin_cmd_fail(&cmd, EX_USAGE,
			"to delete several mailboxes, add --yes");
	} else if (pymailadmin_cmd_open_store(&cmd)) {
		pymailadmin_cmd_users(&cmd, delete_user, NULL);
	}
	pymailadmin_cmd_deinit(&cmd);
}

/*
 * undelete
 */

static void undelete(struct pymailadmin_cmd *cmd, const char *username,
		     struct request_row *row)
{
	const char *error;
	int ret = 0;

	if (row->kind != REQUEST_KIND_DELETE ||
	    request_state_is_final(row->state)) {
		if (cmd->listed)
			return;
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"%s is not going to be deleted", username);
		return;
	}
	if (request_deletion_has_begun(row->state)) {
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"%s is being deleted already", username);
		return;
	}
	if (row->state == REQUEST_STATE_PENDING ||
	    pymailadmin_owner_is_gone(row->claimed_by))
		ret = request_store_end(cmd->store, row,
			REQUEST_STATE_CANCELED, "canceled",
			"canceled by the administrator", &error);
	if (ret < 0)
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	else if (ret == 0)
		pymailadmin_cmd_fail(cmd, EX_UNAVAILABLE,
			"the request of %s has just been taken", username);
}

static void undelete_user(struct pymailadmin_cmd *cmd, const char *username,
			  void *context ATTR_UNUSED)
{
	struct request_row *row;
	pool_t pool;

	pool = pool_alloconly_create("pymailadmin request", 1024);
	if (pymailadmin_cmd_get_request(cmd, username, pool, &row))
		undelete(cmd, username, row);
	pool_unref(&pool);
}

static void cmd_pymailadmin_undelete(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_need_users(&cmd) &&
	    pymailadmin_cmd_open_store(&cmd))
		pymailadmin_cmd_users(&cmd, undelete_user, NULL);
	pymailadmin_cmd_deinit(&cmd);
}

/*
 * free
 */

static void cmd_pymailadmin_free(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;
	const char *address, *error;
	int ret;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_get_user(&cmd, &address) &&
	    pymailadmin_cmd_open_store(&cmd)) {
		ret = deletion_store_free_address(cmd.store, address, &error);
		if (ret < 0)
			pymailadmin_cmd_fail(&cmd, EX_TEMPFAIL, "%s", error);
		else if (ret == 0)
			pymailadmin_cmd_fail(&cmd, EX_NOUSER,
				"%s is not reserved", address);
	}
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_delete = {
	.name = "pymailadmin delete",
	.cmd = cmd_pymailadmin_delete,
	.usage = PYMAILADMIN_CMD_USAGE_USERS" [--yes]",
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAM('\0', "yes", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_undelete = {
	.name = "pymailadmin undelete",
	.cmd = cmd_pymailadmin_undelete,
	.usage = PYMAILADMIN_CMD_USAGE_USERS,
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_free = {
	.name = "pymailadmin free",
	.cmd = cmd_pymailadmin_free,
	.usage = "-u <address>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
