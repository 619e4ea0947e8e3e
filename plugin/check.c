#include "lib.h"
#include "array.h"
#include "dovecot-socket.h"
#include "check.h"

#include <sysexits.h>
#include <unistd.h>

static const char *const check_result_names[] = { "ok", "warning", "error" };

const char *check_result_name(enum check_result result)
{
	return check_result_names[result];
}

static void ATTR_FORMAT(4, 0)
check_add(struct check *check, const char *name, enum check_result result,
	  const char *fmt, va_list args)
{
	struct check_line *line = array_append_space(&check->lines);

	line->name = name;
	line->result = result;
	line->text = p_strdup_vprintf(check->pool, fmt, args);
}

void check_ok(struct check *check, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	check_add(check, name, CHECK_OK, fmt, args);
	va_end(args);
}

void check_warning(struct check *check, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	check_add(check, name, CHECK_WARNING, fmt, args);
	va_end(args);
}

static unsigned int exit_code_rank(int exit_code)
{
	switch (exit_code) {
	case 0:
		return 0;
	case EX_CONFIG:
		return 2;
	case EX_TEMPFAIL:
		/* what failed for now may hide what the others are about */
		return 3;
	default:
		return 1;
	}
}

void check_error(struct check *check, const char *name, int exit_code,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	check_add(check, name, CHECK_ERROR, fmt, args);
	va_end(args);
	if (exit_code_rank(exit_code) > exit_code_rank(check->exit_code))
		check->exit_code = exit_code;
}

bool check_socket(struct check *check, const char *socket_name,
		  const char **error_r)
{
	const char *path = t_strconcat(check->base_dir, "/", socket_name, NULL);
	int fd;

	if (dovecot_socket_connect(path, &fd, error_r) <= 0)
		return FALSE;
	i_close_fd(&fd);
	return TRUE;
}
