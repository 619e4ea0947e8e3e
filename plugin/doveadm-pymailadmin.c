#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "safe-memset.h"
#include "istream.h"
#include "str.h"
#include "strnum.h"
#include "settings.h"
#include "restrict-access.h"
#include "address-list.h"
#include "pymailadmin-settings.h"
#include "request-store.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

void pymailadmin_cmd_fail(struct pymailadmin_cmd *cmd, int exit_code,
			  const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	T_BEGIN {
		e_error(cmd->event, "%s", t_strdup_vprintf(fmt, args));
	} T_END;
	va_end(args);
	pymailadmin_cmd_set_exit_code(exit_code);
}

void pymailadmin_cmd_stopped(struct pymailadmin_cmd *cmd)
{
	pymailadmin_cmd_fail(cmd, EX_TEMPFAIL,
			     "stopped: not all mailboxes were done");
}

void pymailadmin_cmd_set_exit_code(int exit_code)
{
	/* a passing fault may hide what the others are about */
	if (doveadm_exit_code == 0 || exit_code == EX_TEMPFAIL)
		doveadm_exit_code = exit_code;
}

void pymailadmin_cmd_begin(struct pymailadmin_cmd *cmd,
			   struct doveadm_cmd_context *cctx)
{
	i_zero(cmd);
	cmd->cctx = cctx;
	cmd->event = event_create(cctx->event);
	event_set_append_log_prefix(cmd->event, "pymailadmin: ");
}

bool pymailadmin_cmd_init(struct pymailadmin_cmd *cmd,
			  struct doveadm_cmd_context *cctx)
{
	const char *error;

	pymailadmin_cmd_begin(cmd, cctx);
	if (settings_get(cctx->set_event, &pymailadmin_setting_parser_info, 0,
			 &cmd->set, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_CONFIG, "%s", error);
		event_unref(&cmd->event);
		return FALSE;
	}
	return TRUE;
}

bool pymailadmin_cmd_open_store(struct pymailadmin_cmd *cmd)
{
	const char *error;

	if (request_store_init(cmd->cctx->set_event, &cmd->store,
			       &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_CONFIG,
				     "opening the database failed: %s", error);
		return FALSE;
	}
	return TRUE;
}

void pymailadmin_cmd_deinit(struct pymailadmin_cmd *cmd)
{
	request_store_deinit(&cmd->store);
	settings_free(cmd->set);
	event_unref(&cmd->event);
}

bool pymailadmin_cmd_get_number(struct pymailadmin_cmd *cmd, const char *name,
				unsigned int max, unsigned int *value)
{
	int64_t number;

	/* doveadm_cmd_param_uint32() takes a greater one for a bug */
	if (!doveadm_cmd_param_int64(cmd->cctx, name, &number))
		return TRUE;
	if (number < 1 || number > max) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
				     "--%s has to be a number from 1 to %u",
				     name, max);
		return FALSE;
	}
	*value = number;
	return TRUE;
}

bool pymailadmin_cmd_get_user(struct pymailadmin_cmd *cmd,
			      const char **username_r)
{
	if (doveadm_cmd_param_str(cmd->cctx, "user", username_r) &&
	    **username_r != '\0')
		return TRUE;
	pymailadmin_cmd_fail(cmd, EX_USAGE, "name the mailbox with -u");
	return FALSE;
}

bool pymailadmin_cmd_has_mailbox(struct pymailadmin_cmd *cmd,
				 const char *username)
{
	const char *error;
	int ret;

	ret = address_find(cmd->store, username, &error);
	if (ret <= 0)
		pymailadmin_cmd_fail(cmd, ret < 0 ? EX_TEMPFAIL : EX_NOUSER,
			"%s", ret < 0 ? error : "there is no such mailbox");
	return ret > 0;
}

bool pymailadmin_cmd_get_request(struct pymailadmin_cmd *cmd,
				 const char *username, pool_t pool,
				 struct request_row **row_r)
{
	ARRAY_TYPE(request_row) rows;
	const char *error;

	p_array_init(&rows, pool, 16);
	if (request_store_list(cmd->store, username, pool, &rows,
			       &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
		return FALSE;
	}
	if (array_is_empty(&rows)) {
		if (!cmd->listed)
			pymailadmin_cmd_fail(cmd, EX_NOUSER,
				"there is no request of %s", username);
		return FALSE;
	}
	*row_r = array_idx_elem(&rows, 0);
	return TRUE;
}

#define CTRL_C '\3'

static bool read_secret_line(struct pymailadmin_cmd *cmd, char *secret_r,
			     size_t size, const char *what)
{
	size_t len = 0;
	ssize_t ret;
	char c;

	/* byte by byte: the next line is somebody else's to read, and no
	   buffer keeps the secret */
	while ((ret = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
		if (c == CTRL_C) {
			pymailadmin_cmd_fail(cmd, EX_NOINPUT, "canceled");
			return FALSE;
		}
		if (c == '\0' || len + 1 >= size) {
			pymailadmin_cmd_fail(cmd, EX_DATAERR,
				"%s is too long or has a NUL in it", what);
			return FALSE;
		}
		secret_r[len++] = c;
	}
	if (ret < 0 || (ret == 0 && len == 0)) {
		pymailadmin_cmd_fail(cmd, EX_NOINPUT,
			"reading %s from standard input failed: %s", what,
			ret == 0 ? "end of file" : t_strdup_printf("%m"));
		return FALSE;
	}
	secret_r[len] = '\0';
	return TRUE;
}

/* Not askpass(), which takes an over-long line for a bug of ours. */
static bool ask_secret(struct pymailadmin_cmd *cmd, const char *prompt,
		       char *secret_r, size_t size, const char *what)
{
	struct termios old, new;
	bool ok;

	if (tcgetattr(STDIN_FILENO, &old) < 0) {
		pymailadmin_cmd_fail(cmd, EX_NOINPUT, "tcgetattr() failed: %m");
		return FALSE;
	}
	fprintf(stderr, "%s: ", prompt);
	new = old;
	/* doveadm would note the signal and read on */
	new.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	new.c_cc[VEOL] = CTRL_C;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &new) < 0) {
		pymailadmin_cmd_fail(cmd, EX_NOINPUT, "tcsetattr() failed: %m");
		return FALSE;
	}
	ok = read_secret_line(cmd, secret_r, size, what);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return ok;
}

bool pymailadmin_cmd_read_secret(struct pymailadmin_cmd *cmd,
				 const char *prompt, bool confirm,
				 char *secret_r, size_t size)
{
	const char *what = t_str_lcase(prompt);
	char again[1024];
	bool equal;

	i_assert(size <= sizeof(again));
	if (cmd->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
			"secrets come from a terminal or standard input only");
		return FALSE;
	}
	if (isatty(STDIN_FILENO) == 0) {
		if (!read_secret_line(cmd, secret_r, size, what))
			return FALSE;
	} else {
		if (!ask_secret(cmd, prompt, secret_r, size, what))
			return FALSE;
		if (confirm) {
			if (!ask_secret(cmd, t_strconcat(prompt, " again",
							 NULL),
					again, size, what)) {
				safe_memset(again, 0, sizeof(again));
				return FALSE;
			}
			equal = strcmp(secret_r, again) == 0;
			safe_memset(again, 0, sizeof(again));
			if (!equal) {
				pymailadmin_cmd_fail(cmd, EX_DATAERR,
					"the two passwords differ");
				return FALSE;
			}
		}
	}
	if (secret_r[0] == '\0') {
		pymailadmin_cmd_fail(cmd, EX_DATAERR, "%s is empty", what);
		return FALSE;
	}
	return TRUE;
}

/* Field 22 of /proc/<pid>/stat, proc_pid_stat(5): clock ticks after boot. NULL
   if there is no such process. */
static const char *process_start_time(const char *pid)
{
	struct istream *input;
	const char *line, *p, *start = NULL;

	input = i_stream_create_file(t_strdup_printf("/proc/%s/stat", pid),
				     4096);
	line = i_stream_read_next_line(input);
	/* the second field, a name in parentheses, may hold anything */
	if (line != NULL && (p = strrchr(line, ')')) != NULL) {
		const char *const *fields = t_strsplit_spaces(p + 1, " ");

		if (str_array_length(fields) > 19)
			start = fields[19];
	}
	i_stream_destroy(&input);
	return start;
}

const char *pymailadmin_owner_self(void)
{
	const char *start = process_start_time(my_pid);

	return t_strdup_printf("%s/%s/%s", my_hostname, my_pid,
			       start == NULL ? "0" : start);
}

bool pymailadmin_owner_is_gone(const char *owner)
{
	const char *const *parts = t_strsplit(owner, "/");

	if (str_array_length(parts) < 3 || strcmp(parts[0], my_hostname) != 0)
		return FALSE;
	return null_strcmp(process_start_time(parts[1]), parts[2]) != 0;
}
