#include "lib.h"
#include "str-parse.h"
#include "create-store.h"
#include "sealed-request.h"
#include "process-memory.h"
#include "pymailadmin-settings.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>

struct create_params {
	const char *address, *owner;
	uoff_t quota;
};

/* Returns FALSE after pymailadmin_cmd_fail(). */
static bool get_params(struct pymailadmin_cmd *cmd,
		       struct create_params *params_r)
{
	const char *address, *quota, *error;

	i_zero(params_r);
	if (!pymailadmin_cmd_get_user(cmd, &address))
		return FALSE;
	/* as Dovecot knows users, whatever their case */
	params_r->address = t_str_lcase(address);
	if (!doveadm_cmd_param_str(cmd->cctx, "owner", &params_r->owner))
		params_r->owner = "";
	if (doveadm_cmd_param_str(cmd->cctx, "quota", &quota) &&
	    str_parse_get_size(quota, &params_r->quota, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_USAGE, "--quota: %s", error);
		return FALSE;
	}
	return TRUE;
}

static void say_refused(struct pymailadmin_cmd *cmd,
			const struct create_params *params,
			enum create_file_result result)
{
	const char *address = params->address;

	switch (result) {
	case CREATE_FILE_MALFORMED:
		pymailadmin_cmd_fail(cmd, EX_DATAERR, "%s cannot be an "
			"address: its name may have letters without accents, "
			"digits, and . _ - after the first", address);
		break;
	case CREATE_FILE_UNKNOWN_DOMAIN:
		pymailadmin_cmd_fail(cmd, EX_NOHOST, "the database has no "
			"domain %s", strchr(address, '@') + 1);
		break;
	case CREATE_FILE_UNKNOWN_OWNER:
		pymailadmin_cmd_fail(cmd, EX_NOUSER, "--owner: the portal has "
			"no active account %s", params->owner);
		break;
	case CREATE_FILE_TAKEN:
		pymailadmin_cmd_fail(cmd, EX_CANTCREAT,
			"%s is a mailbox or an alias already", address);
		break;
	case CREATE_FILE_RESERVED:
		pymailadmin_cmd_fail(cmd, EX_CANTCREAT, "%s was a mailbox, and "
			"is reserved for a time; to end that: "
			"doveadm pymailadmin free -u %s", address, address);
		break;
	case CREATE_FILE_BUSY:
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL,
			"%s has an open request already; see: "
			"doveadm pymailadmin status -u %s", address, address);
		break;
	case CREATE_FILE_DONE:
	case CREATE_FILE_RESULT_COUNT:
		i_unreached();
	}
}

static void create_file(struct pymailadmin_cmd *cmd,
			const struct create_params *params,
			const struct seal_public_key *pub,
			const struct seal_secrets *secrets)
{
	char id[SEAL_REQUEST_ID_LEN + 1];
	unsigned char sealed[SEALED_REQUEST_MAX];
	struct request_row row = {
		.kind = REQUEST_KIND_CREATE,
		.address = params->address,
	};
	enum create_file_result result;
	const char *error;

	if (!pymailadmin_cmd_seal(cmd, &row, pub, secrets, id, sealed))
		return;
	if (create_store_file(cmd->store, &row, params->quota, params->owner,
			      pymailadmin_cmd_asked_by(), &result,
			      &error) < 0)
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	else if (result != CREATE_FILE_DONE)
		say_refused(cmd, params, result);
	else
		printf("Request %s filed. The mailbox is made by the next run "
		       "of process; see: doveadm pymailadmin status -u %s\n",
		       id, params->address);
}

static void create(struct pymailadmin_cmd *cmd)
{
	struct create_params params;
	struct seal_secrets secrets;
	struct seal_public_key pub;

	i_zero(&secrets);
	if (get_params(cmd, &params) &&
	    pymailadmin_cmd_get_public_key(cmd, &pub) &&
	    pymailadmin_cmd_read_secret(cmd, "Password", TRUE,
					secrets.new_password,
					sizeof(secrets.new_password)) &&
	    pymailadmin_cmd_open_store(cmd) &&
	    pymailadmin_cmd_hash_new_password(cmd, params.address, &secrets))
		create_file(cmd, &params, &pub, &secrets);
	seal_secrets_wipe(&secrets);
}

static void cmd_pymailadmin_create(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		process_memory_protect();
	create(&cmd);
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_create = {
	.name = "pymailadmin create",
	.cmd = cmd_pymailadmin_create,
	.usage = "-u <address> [--quota <size>] [--owner <account>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "quota", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "owner", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
