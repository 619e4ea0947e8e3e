#include "lib.h"
#include "array.h"
#include "safe-memset.h"
#include "settings.h"
#include "unichar.h"
#include "master-service.h"
#include "mail-storage-service.h"
#include "sealed-request.h"
#include "doveadm-print.h"
#include "pymailadmin-settings.h"
#include "request-store.h"
#include "check-config.h"
#include "check.h"
#include "process-memory.h"
#include "doveadm-pymailadmin.h"

#include <sys/ioctl.h>
#include <unistd.h>

/* doveadm pymailadmin check [-u <user> [-p]]

   One line per check: its name, ok, warning or error, and what was found; for
   a warning or an error also what to do. -u adds the checks of one mailbox, -p
   those that need its password, which is asked for on the terminal or is a
   line of standard input.

   Exit codes: 0 all is ok, or there are warnings only
     78 an error in the configuration: settings, tables, rights, seal key
     75 the database or the auth process cannot be asked (goes before 78)
     67 there is no such mailbox
     77 the password is wrong, or the command does not run as root
     65 keys or hash of the mailbox are bad, or do not open
     73 its home does not let it be locked
     69 anvil does not end sessions, or the login is refused
     64, 66 wrong usage, no password; nothing has been checked then */

#define COLUMN_CHECK "check"
#define COLUMN_RESULT "result"
#define TEXT_WIDTH_MIN 30

/* The table's columns are as wide as the terminal lets them, and what is
   longer goes on at the beginning of the next line of the terminal. Returns
   how wide a text may be not to do that, or 0 if that does not matter. */
static size_t get_text_width(struct check *check)
{
	const struct check_line *line;
	size_t name_width = strlen(COLUMN_CHECK), used;
	struct winsize ws;

	/* -f has initialized another one; in a file lines have no width */
	if (doveadm_print_is_initialized() ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
		return 0;
	array_foreach(&check->lines, line)
		name_width = I_MAX(name_width, strlen(line->name));
	used = name_width + 1 + strlen("warning") + 1;
	return ws.ws_col < used + TEXT_WIDTH_MIN ? 0 : ws.ws_col - used;
}

/* The part of the text that goes into one line; the rest follows it. */
static const char *text_cut(const char **text, size_t width)
{
	const char *line = *text, *p = line, *space = NULL;
	size_t len = 0;

	if (width == 0 || uni_utf8_strlen(line) <= width) {
		*text += strlen(line);
		return line;
	}
	for (; *p != '\0' && len <= width; len++) {
		if (*p == ' ')
			space = p;
		p += uni_utf8_char_bytes((unsigned char)*p);
	}
	/* a word may be longer than the line */
	if (space == NULL)
		space = strchr(p, ' ');
	if (space == NULL)
		space = line + strlen(line);
	*text = *space == ' ' ? space + 1 : space;
	return t_strdup_until(line, space);
}

static void check_print(struct check *check)
{
	const size_t width = get_text_width(check);
	const struct check_line *line;
	const char *text;

	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple(COLUMN_CHECK);
	doveadm_print_header_simple(COLUMN_RESULT);
	doveadm_print_header_simple("text");
	array_foreach(&check->lines, line) T_BEGIN {
		text = line->text;
		doveadm_print(line->name);
		doveadm_print(check_result_name(line->result));
		doveadm_print(text_cut(&text, width));
		while (*text != '\0') {
			doveadm_print("");
			doveadm_print("");
			doveadm_print(text_cut(&text, width));
		}
	} T_END;
}

static void check_run(struct check *check, const char *username,
		      const char *password)
{
	const char *error;

	if (settings_get(check->set_event, &pymailadmin_setting_parser_info, 0,
			 &check->set, &error) < 0 ||
	    check_config_init(doveadm_settings_get_config_fd(),
			      &check->config, &error) < 0) {
		check_error(check, "settings", EX_CONFIG,
			    "%s; nothing else is checked", error);
		return;
	}
	check_settings(check);
	check_auth(check);
	check_mail(check);
	check_host(check);
	check_database(check);
	check_backend(check);
	if (username != NULL) T_BEGIN {
		check_user(check, username, password);
	} T_END;
	check_config_deinit(&check->config);
}

/* Returns FALSE after pymailadmin_cmd_fail(). */
static bool get_parameters(struct pymailadmin_cmd *cmd, const char **username_r,
			   bool *prove_r, char *password_r, size_t size)
{
	if (cmd->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
				     "run check in a terminal of this host");
		return FALSE;
	}
	if (geteuid() != 0) {
		pymailadmin_cmd_fail(cmd, EX_NOPERM, "run check as root");
		return FALSE;
	}
	if (!doveadm_cmd_param_bool(cmd->cctx, "ask-password", prove_r))
		*prove_r = FALSE;
	*username_r = NULL;
	if ((*prove_r ||
	     doveadm_cmd_param_str(cmd->cctx, "user", username_r)) &&
	    !pymailadmin_cmd_get_user(cmd, username_r))
		return FALSE;
	return !*prove_r ||
		pymailadmin_cmd_read_secret(cmd, "Password", FALSE, password_r,
					    size);
}

static void check_with_storage(struct pymailadmin_cmd *cmd,
			       const char *username, const char *password)
{
	struct check check = {
		.pool = pool_alloconly_create("pymailadmin check", 4096),
		.event = cmd->event,
		.set_event = cmd->cctx->set_event,
		.config_path = master_service_get_config_path(master_service),
		.base_dir = doveadm_settings->base_dir,
	};

	p_array_init(&check.lines, check.pool, 32);
	if (username != NULL) {
		check.storage_service =
			mail_storage_service_init(master_service,
				MAIL_STORAGE_SERVICE_FLAG_USERDB_LOOKUP |
				MAIL_STORAGE_SERVICE_FLAG_NO_LOG_INIT |
				MAIL_STORAGE_SERVICE_FLAG_TEMP_PRIV_DROP |
				MAIL_STORAGE_SERVICE_FLAG_NO_CHDIR |
				MAIL_STORAGE_SERVICE_FLAG_NO_IDLE_TIMEOUT);
	}
	check_run(&check, username, password);
	/* unloads the mail plugins: nothing of a module may be left by then */
	request_store_deinit(&check.store);
	settings_free(check.set);
	if (check.storage_service != NULL)
		mail_storage_service_deinit(&check.storage_service);
	check_print(&check);
	if (check.exit_code != 0)
		doveadm_exit_code = check.exit_code;
	pool_unref(&check.pool);
}

static void cmd_pymailadmin_check(struct doveadm_cmd_context *cctx)
{
	char password[SEAL_PASSWORD_MAX + 1];
	struct pymailadmin_cmd cmd;
	const char *username;
	bool prove;

	pymailadmin_cmd_begin(&cmd, cctx);
	process_memory_protect();
	if (get_parameters(&cmd, &username, &prove, password,
			   sizeof(password)))
		check_with_storage(&cmd, username, prove ? password : NULL);
	safe_memset(password, 0, sizeof(password));
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_check = {
	.name = "pymailadmin check",
	.cmd = cmd_pymailadmin_check,
	.usage = "[-u <user> [-p]]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('p', "ask-password", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
