#include "lib.h"
#include "sealed-request.h"
#include "pymailadmin-settings.h"
#include "seal-key-file.h"
#include "process-memory.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>

static void keygen(struct pymailadmin_cmd *cmd, bool force)
{
	const char *path = cmd->set->pymailadmin_seal_key_path, *error;
	struct seal_private_key priv;
	struct seal_public_key pub;
	char text[SEAL_KEY_TEXT_SIZE];
	int ret;

	if (seal_keygen(&priv, &pub, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_SOFTWARE,
				     "making the key failed: %s", error);
		return;
	}
	ret = seal_key_file_write(path, &priv, force, &error);
	seal_private_key_wipe(&priv);
	if (ret < 0) {
		pymailadmin_cmd_fail(cmd, EX_CANTCREAT, "%s", error);
	} else if (ret == 0) {
		pymailadmin_cmd_fail(cmd, EX_CANTCREAT, "%s; with --force it "
			"is replaced, and requests sealed to it until now "
			"fail", error);
	} else {
		(void)seal_public_key_to_text(&pub, text);
		printf("%s\n", text);
		fflush(stdout);
		fprintf(stderr, "The private key is in %s. Copy the line above "
			"to the portal's configuration.\n", path);
	}
}

static void cmd_pymailadmin_keygen(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;
	bool force;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (!doveadm_cmd_param_bool(cctx, "force", &force))
		force = FALSE;
	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI) {
		process_memory_protect();
		keygen(&cmd, force);
	} else {
		pymailadmin_cmd_fail(&cmd, EX_USAGE,
				     "run keygen in a terminal of this host");
	}
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_keygen = {
	.name = "pymailadmin keygen",
	.cmd = cmd_pymailadmin_keygen,
	.usage = "[--force]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "force", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
