#include "lib.h"
#include "array.h"
#include "master-service.h"
#include "sleep.h"
#include "str.h"
#include "str-sanitize.h"
#include "request-progress.h"
#include "request-store.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FOLLOW_INTERVAL_MSECS 500
#define BAR_MIN_WIDTH 10
#define BAR_MAX_WIDTH 40

struct follow {
	struct pymailadmin_cmd *cmd;
	const char *username;
	/* What was printed last. */
	string_t *last;
	/* Columns of the terminal; 0 if it is none. */
	unsigned int columns;
};

static unsigned int terminal_columns(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) == 0)
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void append_bar(string_t *str, unsigned int percent,
		       unsigned int width)
{
	unsigned int i, full = width * percent / 100;

	str_append_c(str, '[');
	for (i = 0; i < width; i++)
		str_append_c(str, i < full ? '#' : '.');
	str_append(str, "] ");
}

static const char *follow_line(const struct follow *follow,
			       const struct request_row *row)
{
	string_t *str = t_str_new(256);
	const char *text;
	unsigned int width;

	str_printfa(str, "%s", request_state_name(row->state));
	text = request_progress_text(row);
	if (text[0] != '\0')
		str_printfa(str, ": %s", text);
	if (request_state_is_final(row->state) || row->claimed_by == NULL) {
		if (row->reason != NULL)
			str_printfa(str, "; %s", row->reason);
		return str_c(str);
	}
	if (text[0] != '\0' &&
	    follow->columns > str_len(str) + BAR_MIN_WIDTH + 4) {
		width = I_MIN(follow->columns - str_len(str) - 4,
			      BAR_MAX_WIDTH);
		text = t_strdup(str_c(str));
		str_truncate(str, 0);
		append_bar(str, request_progress_percent(row), width);
		str_append(str, text);
	}
	return str_c(str);
}

/* On a terminal a line is written over the one before. */
static void follow_print(struct follow *follow, const char *line)
{
	if (strcmp(str_c(follow->last), line) == 0)
		return;
	if (follow->columns > 0)
		printf("\r\033[K%.*s", (int)follow->columns - 1, line);
	else
		printf("%s\n", line);
	(void)fflush(stdout);
	str_truncate(follow->last, 0);
	str_append(follow->last, line);
}

/* Returns FALSE when there is nothing more to wait for. */
static bool follow_once(struct follow *follow)
{
	struct request_row *row;
	pool_t pool = pool_alloconly_create("pymailadmin request", 1024);
	bool more = FALSE;

	if (pymailadmin_cmd_get_request(follow->cmd, follow->username, pool,
					&row)) {
		follow_print(follow, follow_line(follow, row));
		more = !request_state_is_final(row->state);
	}
	pool_unref(&pool);
	return more;
}

void pymailadmin_cmd_follow(struct pymailadmin_cmd *cmd, const char *username)
{
	struct follow follow = {
		.cmd = cmd,
		.username = username,
		.last = str_new(default_pool, 256),
		.columns = terminal_columns(),
	};
	bool more = TRUE;

	while (more && !master_service_is_killed(master_service)) T_BEGIN {
		more = follow_once(&follow);
		if (more)
			i_sleep_intr_msecs(FOLLOW_INTERVAL_MSECS);
	} T_END;
	if (follow.columns > 0)
		printf("\n");
	str_free(&follow.last);
}
