#include "lib.h"
#include "istream.h"
#include "master-service.h"
#include "str-sanitize.h"
#include "wildcard-match.h"
#include "auth-master.h"
#include "request-store.h"
#include "doveadm-pymailadmin.h"

struct users {
	struct pymailadmin_cmd *cmd;
	pymailadmin_user_callback_t *callback;
	void *context;
	/* There is no use in going on: the database went away, or there was a
	   signal. */
	bool stopped;
};

static bool is_mask(const char *username)
{
	return strpbrk(username, "*?") != NULL;
}

bool pymailadmin_cmd_count_users(struct pymailadmin_cmd *cmd,
				 enum pymailadmin_users *users_r)
{
	const struct doveadm_cmd_context *cctx = cmd->cctx;
	struct istream *input;
	const char *username = NULL;
	bool all = FALSE, has_file;

	(void)doveadm_cmd_param_bool(cctx, "all-users", &all);
	has_file = doveadm_cmd_param_istream(cctx, "user-file", &input);
	(void)doveadm_cmd_param_str(cctx, "user", &username);
	if ((username != NULL ? 1 : 0) + (all ? 1 : 0) + (has_file ? 1 : 0) > 1) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
				     "give one of -u, -A and -F only");
		return FALSE;
	}
	if (username != NULL && *username == '\0') {
		pymailadmin_cmd_fail(cmd, EX_USAGE, "-u names nobody");
		return FALSE;
	}
	if (all || has_file || (username != NULL && is_mask(username)))
		*users_r = PYMAILADMIN_USERS_MANY;
	else
		*users_r = username != NULL ? PYMAILADMIN_USERS_ONE :
			PYMAILADMIN_USERS_NONE;
	return TRUE;
}

bool pymailadmin_cmd_need_users(struct pymailadmin_cmd *cmd)
{
	enum pymailadmin_users users;

	if (!pymailadmin_cmd_count_users(cmd, &users))
		return FALSE;
	if (users == PYMAILADMIN_USERS_NONE) {
		pymailadmin_cmd_fail(cmd, EX_USAGE, "name the mailbox with -u, "
				     "or several with -A or -F");
		return FALSE;
	}
	return TRUE;
}

/* Sets users->stopped if there is no use in going on. */
static void user_run(struct users *users, const char *username)
{
	struct pymailadmin_cmd *cmd = users->cmd;
	struct event *parent = cmd->event;
	const int exit_code = doveadm_exit_code;
	const char *error;
	uint64_t now;

	if (master_service_is_killed(master_service)) {
		pymailadmin_cmd_stopped(cmd);
		users->stopped = TRUE;
		return;
	}
	cmd->event = event_create(parent);
	event_set_append_log_prefix(cmd->event, t_strdup_printf("%s: ",
		str_sanitize(username, 254)));
	doveadm_exit_code = 0;
	users->callback(cmd, username, users->context);
	event_unref(&cmd->event);
	cmd->event = parent;

	if (doveadm_exit_code == EX_TEMPFAIL && cmd->store != NULL &&
	    request_store_get_time(cmd->store, &now, &error) < 0) {
		/* it has been said, and is the same for all others */
		users->stopped = TRUE;
	}
	if (exit_code == EX_TEMPFAIL ||
	    (doveadm_exit_code != EX_TEMPFAIL && exit_code > doveadm_exit_code))
		doveadm_exit_code = exit_code;
}

static void users_of_userdb(struct users *users, const char *mask)
{
	const char *path = t_strconcat(doveadm_settings->base_dir,
				       "/auth-userdb", NULL);
	struct auth_user_info info = { .protocol = "doveadm" };
	struct auth_master_user_list_ctx *list;
	struct auth_master_connection *conn;
	const char *username;

	conn = auth_master_init(path, AUTH_MASTER_FLAG_NO_IDLE_TIMEOUT);
	list = auth_master_user_list_init(conn, mask, &info);
	while (!users->stopped &&
	       (username = auth_master_user_list_next(list)) != NULL)
		T_BEGIN {
		/* the mask is a hint only */
		if (wildcard_match_icase(username, mask))
			user_run(users, username);
	} T_END;
	if (auth_master_user_list_deinit(&list) < 0 && !users->stopped) {
		if (master_service_is_killed(master_service))
			pymailadmin_cmd_stopped(users->cmd);
		else
			pymailadmin_cmd_fail(users->cmd, EX_TEMPFAIL,
				"listing the users through %s failed", path);
	}
	auth_master_deinit(&conn);
}

static void users_of_file(struct users *users, struct istream *input)
{
	const char *line;

	while (!users->stopped &&
	       (line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		if (*line != '\0')
			user_run(users, line);
	} T_END;
	if (input->stream_errno == EINTR &&
	    master_service_is_killed(master_service))
		pymailadmin_cmd_stopped(users->cmd);
	else if (input->stream_errno != 0)
		pymailadmin_cmd_fail(users->cmd, EX_NOINPUT,
				     "read(%s) failed: %s",
				     i_stream_get_name(input),
				     i_stream_get_error(input));
}

void pymailadmin_cmd_users(struct pymailadmin_cmd *cmd,
			   pymailadmin_user_callback_t *callback,
			   void *context)
{
	struct users users = {
		.cmd = cmd,
		.callback = callback,
		.context = context,
	};
	struct istream *input;
	const char *username, *error;
	uint64_t now;

	if (doveadm_cmd_param_istream(cmd->cctx, "user-file", &input)) {
		users_of_file(&users, input);
		return;
	}
	if (doveadm_cmd_param_str(cmd->cctx, "user", &username) &&
	    !is_mask(username)) {
		callback(cmd, username, context);
		return;
	}
	if (!doveadm_cmd_param_str(cmd->cctx, "user", &username))
		username = "*";
	/* without it the auth process does not answer for minutes */
	if (cmd->store != NULL &&
	    request_store_get_time(cmd->store, &now, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
		return;
	}
	cmd->listed = TRUE;
	users_of_userdb(&users, username);
	cmd->listed = FALSE;
}
