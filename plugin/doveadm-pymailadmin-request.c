#include "lib.h"
#include "sealed-request.h"
#include "pymailadmin-settings.h"
#include "password-hash.h"
#include "request-store.h"
#include "process-memory.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>

/* Nothing is filed that would fail. */
static bool check_old_password(struct pymailadmin_cmd *cmd,
			       const char *username, const char *what,
			       const struct seal_secrets *secrets)
{
	const char *old_hash, *error;
	int ret;

	ret = request_store_get_hash(cmd->store, username, &old_hash, &error);
	if (ret <= 0) {
		pymailadmin_cmd_fail(cmd, ret < 0 ? EX_TEMPFAIL : EX_NOUSER,
			"%s", ret < 0 ? error : "there is no such mailbox");
		return FALSE;
	}
	ret = password_hash_verify(old_hash, username, secrets->old_password,
				   &error);
	if (ret <= 0) {
		pymailadmin_cmd_fail(cmd, ret < 0 ? EX_DATAERR : EX_NOPERM,
				     "%s: %s", what, error);
		return FALSE;
	}
	return TRUE;
}

static bool check_passwords(struct pymailadmin_cmd *cmd, const char *username,
			    struct seal_secrets *secrets)
{
	return check_old_password(cmd, username, "old password", secrets) &&
		pymailadmin_cmd_hash_new_password(cmd, username, secrets);
}

static bool file_request(struct pymailadmin_cmd *cmd, enum request_kind kind,
			 const char *username,
			 const struct seal_public_key *pub,
			 const struct seal_secrets *secrets)
{
	char id[SEAL_REQUEST_ID_LEN + 1];
	unsigned char sealed[SEALED_REQUEST_MAX];
	struct request_row row = {
		.kind = kind,
		.address = username,
	};
	const char *error;
	int ret;

	if (!pymailadmin_cmd_seal(cmd, &row, pub, secrets, id, sealed))
		return FALSE;
	ret = request_store_file(cmd->store, &row, &error);
	if (ret < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	} else if (ret == 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL,
			"%s has an open request already; see: "
			"doveadm pymailadmin status -u %s", username,
			username);
	} else {
		printf("Request %s filed. ", id);
	}
	return ret > 0;
}

static void request_password(struct pymailadmin_cmd *cmd)
{
	struct seal_secrets secrets;
	struct seal_public_key pub;
	const char *username;

	i_zero(&secrets);
	if (pymailadmin_cmd_get_user(cmd, &username) &&
	    pymailadmin_cmd_get_public_key(cmd, &pub) &&
	    pymailadmin_cmd_read_secret(cmd, "Old password", FALSE,
					secrets.old_password,
					sizeof(secrets.old_password)) &&
	    pymailadmin_cmd_read_secret(cmd, "New password", TRUE,
					secrets.new_password,
					sizeof(secrets.new_password)) &&
	    pymailadmin_cmd_open_store(cmd) &&
	    pymailadmin_cmd_has_mailbox(cmd, username) &&
	    check_passwords(cmd, username, &secrets) &&
	    file_request(cmd, REQUEST_KIND_PASSWORD, username, &pub, &secrets))
		printf("The mailbox is closed until it is done, for %u minutes "
		       "at most.\n",
		       (cmd->set->pymailadmin_rekey_window + 59) / 60);
	seal_secrets_wipe(&secrets);
}

static void request_encrypt(struct pymailadmin_cmd *cmd)
{
	struct seal_secrets secrets;
	struct seal_public_key pub;
	const char *username;

	i_zero(&secrets);
	if (pymailadmin_cmd_get_user(cmd, &username) &&
	    pymailadmin_cmd_get_public_key(cmd, &pub) &&
	    pymailadmin_cmd_read_secret(cmd, "Password", FALSE,
					secrets.old_password,
					sizeof(secrets.old_password)) &&
	    pymailadmin_cmd_open_store(cmd) &&
	    pymailadmin_cmd_has_mailbox(cmd, username) &&
	    check_old_password(cmd, username, "password", &secrets) &&
	    file_request(cmd, REQUEST_KIND_ENCRYPT, username, &pub, &secrets))
		printf("Stored mail is encrypted with the mailbox open; see: "
		       "doveadm pymailadmin status -u %s\n", username);
	seal_secrets_wipe(&secrets);
}

static void request(struct doveadm_cmd_context *cctx,
		    void (*callback)(struct pymailadmin_cmd *cmd))
{
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		process_memory_protect();
	callback(&cmd);
	pymailadmin_cmd_deinit(&cmd);
}

static void cmd_pymailadmin_request_password(struct doveadm_cmd_context *cctx)
{
	request(cctx, request_password);
}

static void cmd_pymailadmin_encrypt(struct doveadm_cmd_context *cctx)
{
	request(cctx, request_encrypt);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_request_password = {
	.name = "pymailadmin request password",
	.cmd = cmd_pymailadmin_request_password,
	.usage = "-u <user>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_encrypt = {
	.name = "pymailadmin encrypt",
	.cmd = cmd_pymailadmin_encrypt,
	.usage = "-u <user>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
