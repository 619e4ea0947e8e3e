#include "lib.h"
#include "array.h"
#include "safe-memset.h"
#include "str.h"
#include "sql-api.h"
#include "doveadm-print.h"
#include "process-memory.h"
#include "request-store.h"
#include "schema-upgrade.h"
#include "sql-check.h"
#include "sql-client.h"
#include "sql-run.h"
#include "doveadm-pymailadmin.h"

#include <sys/stat.h>

#define DEFAULT_DIR PKGDATADIR"/sql"
/* Two servers that agree in this are one. */
#define SERVER_NAME "CONCAT_WS(' ',@@hostname,@@port,@@datadir)"
#define MAX_PASSWORD_SIZE 512

struct upgrade {
	struct pymailadmin_cmd cmd;
	struct sql_client client;
	const char *dir;
	bool dry_run;
};

/* Returns FALSE after pymailadmin_cmd_fail(). */
static bool ask_dovecots_server(struct upgrade *upgrade, const char *query,
				const char **value_r)
{
	struct sql_db *db = request_store_get_db(upgrade->cmd.store);
	const char *error;
	int ret;

	ret = sql_run_lookup(sql_statement_init(db, query),
			     "ask the server", value_r, &error);
	if (ret > 0)
		return TRUE;
	pymailadmin_cmd_fail(&upgrade->cmd, EX_TEMPFAIL, "%s", ret < 0 ?
			     error : "Dovecot's account uses no database");
	return FALSE;
}

/* The socket of the server that Dovecot asks, if it is on this host. */
static bool find_socket(struct upgrade *upgrade)
{
	const char *path;
	struct stat st;

	if (!ask_dovecots_server(upgrade, "SELECT @@socket", &path))
		return FALSE;
	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		upgrade->client.socket = path;
		return TRUE;
	}
	pymailadmin_cmd_fail(&upgrade->cmd, EX_USAGE, "stat(%s) failed: the "
		"database is on another host: name it with --host, and with "
		"--user an account that may change its tables", path);
	return FALSE;
}

/* What mariadb(1) says is "ERROR <number> ..."; all else is about running it. */
static void cannot_ask(struct upgrade *upgrade, const char *error)
{
	const bool denied = strstr(error, "Access denied") != NULL;

	pymailadmin_cmd_fail(&upgrade->cmd, denied ? EX_NOPERM :
		str_begins_with(error, "ERROR ") ? EX_TEMPFAIL :
		EX_UNAVAILABLE, "mariadb(%s) failed: %s%s",
		upgrade->client.database, error, denied ?
		"; with --user another account does it" : "");
}

/* Other tables must not be changed because there is a database of the same
   name somewhere. */
static bool is_dovecots_server(struct upgrade *upgrade)
{
	const char *theirs, *error;
	string_t *ours = t_str_new(256);

	if (!ask_dovecots_server(upgrade, "SELECT "SERVER_NAME, &theirs))
		return FALSE;
	if (sql_client_run(&upgrade->client, "SELECT "SERVER_NAME";", ours,
			   &error) < 0) {
		cannot_ask(upgrade, error);
		return FALSE;
	}
	if (strcmp(str_c(ours), t_strconcat(theirs, "\n", NULL)) == 0)
		return TRUE;
	pymailadmin_cmd_fail(&upgrade->cmd, EX_CONFIG, "this is the server "
		"%s, and not %s, which Dovecot asks",
		t_str_rtrim(str_c(ours), "\n"), theirs);
	return FALSE;
}

static void print(const struct schema_file *file, const char *result)
{
	doveadm_print(file->name);
	doveadm_print(file->account == NULL ? "" : file->account);
	doveadm_print(result);
}

/* Stops at the first error: what follows may need it. */
static bool load_files(struct upgrade *upgrade,
		       const ARRAY_TYPE(schema_file) *files)
{
	const struct schema_file *file;
	const char *error;
	bool ok = TRUE;

	array_foreach(files, file) T_BEGIN {
		if (!ok) {
			/* nothing more */
		} else if (file->left_out) {
			print(file, "left out: the account has rights to a "
			      "whole database, which this takes away");
		} else if (upgrade->dry_run) {
			print(file, "to be loaded");
		} else if (schema_upgrade_load(&upgrade->client, upgrade->dir,
					       file, &error) < 0) {
			print(file, "failed");
			pymailadmin_cmd_fail(&upgrade->cmd, EX_SOFTWARE,
				"%s; mend that and run this again, it goes on "
				"from there", error);
			ok = FALSE;
		} else {
			print(file, "loaded");
		}
	} T_END;
	return ok;
}

static void check_mapping(struct upgrade *upgrade)
{
	const char *error;

	if (schema_upgrade_check_mapping(&upgrade->client, &error))
		return;
	pymailadmin_cmd_fail(&upgrade->cmd, EX_CONFIG, "%s: load the mapping "
		"of your tables again, which is %s/views-default.sql, the "
		"views-*.sql you chose, or your own copy, to which this has "
		"to be added; until then mailboxes and aliases cannot be made",
		error, upgrade->dir);
}

/* Its account is found by a right it had, which it may have lost. */
static void check_rights(struct upgrade *upgrade)
{
	const char *error;

	if (sql_check_all(upgrade->cmd.store, SQL_CHECK_DENIED, &error))
		return;
	pymailadmin_cmd_fail(&upgrade->cmd, EX_CONFIG, "%s: Dovecot's account "
		"lacks rights: load %s/grants-plugin.sql for it, whose head "
		"shows how; until then requests are not worked on", error,
		upgrade->dir);
}

static void run(struct upgrade *upgrade)
{
	ARRAY_TYPE(schema_file) files;
	unsigned int version;
	const char *error;

	t_array_init(&files, 32);
	if (schema_upgrade_plan(&upgrade->client, upgrade->dir, &files,
				&version, &error) < 0) {
		pymailadmin_cmd_fail(&upgrade->cmd, EX_CONFIG, "%s", error);
		return;
	}
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("file");
	doveadm_print_header_simple("for");
	doveadm_print_header_simple("result");
	if (!load_files(upgrade, &files) || upgrade->dry_run)
		return;
	check_mapping(upgrade);
	check_rights(upgrade);
}

static bool upgrade_init(struct upgrade *upgrade, char *password, size_t size)
{
	struct doveadm_cmd_context *cctx = upgrade->cmd.cctx;
	struct sql_client *client = &upgrade->client;

	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(&upgrade->cmd, EX_USAGE,
				     "run upgrade in a terminal of this host");
		return FALSE;
	}
	if (!doveadm_cmd_param_str(cctx, "files", &upgrade->dir))
		upgrade->dir = DEFAULT_DIR;
	if (!doveadm_cmd_param_bool(cctx, "dry-run", &upgrade->dry_run))
		upgrade->dry_run = FALSE;
	(void)doveadm_cmd_param_str(cctx, "host", &client->host);
	(void)doveadm_cmd_param_str(cctx, "user", &client->user);
	if (!pymailadmin_cmd_get_number(&upgrade->cmd, "port", 65535,
					&client->port) ||
	    !pymailadmin_cmd_open_store(&upgrade->cmd) ||
	    !ask_dovecots_server(upgrade, "SELECT DATABASE()",
				 &client->database) ||
	    (client->host == NULL && !find_socket(upgrade)))
		return FALSE;
	if (client->user == NULL)
		return TRUE;
	process_memory_protect();
	client->password = password;
	return pymailadmin_cmd_read_secret(&upgrade->cmd, t_strdup_printf(
		"Password of %s", client->user), FALSE, password, size);
}

static void cmd_pymailadmin_upgrade(struct doveadm_cmd_context *cctx)
{
	char password[MAX_PASSWORD_SIZE] = "";
	struct upgrade upgrade;

	i_zero(&upgrade);
	if (!pymailadmin_cmd_init(&upgrade.cmd, cctx))
		return;
	if (upgrade_init(&upgrade, password, sizeof(password)) &&
	    is_dovecots_server(&upgrade))
		run(&upgrade);
	safe_memset(password, 0, sizeof(password));
	pymailadmin_cmd_deinit(&upgrade.cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_upgrade = {
	.name = "pymailadmin upgrade",
	.cmd = cmd_pymailadmin_upgrade,
	.usage = "[--dry-run] [--files <directory>] "
		"[--host <host> [--port <port>]] [--user <user>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "dry-run", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "files", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "host", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "port", CMD_PARAM_INT64, CMD_PARAM_FLAG_UNSIGNED)
DOVEADM_CMD_PARAM('\0', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
