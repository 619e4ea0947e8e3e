#include "lib.h"
#include "base64.h"
#include "hostpid.h"
#include "safe-memset.h"
#include "str.h"
#include "strescape.h"
#include "dovecot-socket.h"
#include "live-login.h"

/* Dovecot's internal protocols, of which this speaks one login:
   src/lib-auth-client/auth-client-connection.c, -request.c and
   src/lib-login/login-server-auth.c. */
#define LIVE_LOGIN_VERSION "VERSION\t1\t3\n"
#define LIVE_LOGIN_LINE_MAX 16384
#define LIVE_LOGIN_COOKIE_MAX 128
#define LIVE_LOGIN_FIELD "crypt_user_key_password="

struct live_login {
	const char *auth_path, *master_path;
	int auth_fd, master_fd;
	char cookie[LIVE_LOGIN_COOKIE_MAX];
	/* as it came in */
	char line[LIVE_LOGIN_LINE_MAX];
};

static int login_read_line(struct live_login *login, int fd, const char *path,
			   const char **error_r)
{
	return dovecot_socket_read_line(fd, path, login->line,
					sizeof(login->line), error_r);
}

static int login_connect(const char *path, int *fd_r, const char **error_r)
{
	return dovecot_socket_connect(path, fd_r, error_r) > 0 ? 0 : -1;
}

static int login_handshake(struct live_login *login, const char **error_r)
{
	const char *hello = t_strdup_printf(LIVE_LOGIN_VERSION"CPID\t%s\n",
					    my_pid);
	const char *cookie;

	if (login_connect(login->auth_path, &login->auth_fd, error_r) < 0 ||
	    dovecot_socket_send(login->auth_fd, login->auth_path, hello,
				strlen(hello), error_r) < 0)
		return -1;
	do {
		if (login_read_line(login, login->auth_fd, login->auth_path,
				    error_r) < 0)
			return -1;
		if (str_begins(login->line, "COOKIE\t", &cookie) &&
		    i_strocpy(login->cookie, cookie,
			      sizeof(login->cookie)) < 0) {
			*error_r = "the auth process's cookie is too long";
			return -1;
		}
	} while (strcmp(login->line, "DONE") != 0);
	return 0;
}

static int login_send_password(struct live_login *login, const char *username,
			       const char *password, const char **error_r)
{
	string_t *plain = str_new(default_pool, 1024);
	string_t *cmd = str_new(default_pool, 2048);
	int ret;

	/* SASL PLAIN, RFC 4616 */
	str_append_c(plain, '\0');
	str_append(plain, username);
	str_append_c(plain, '\0');
	str_append(plain, password);
	str_append(cmd, "AUTH\t1\tPLAIN\tprotocol=imap\tsecured\tno-penalty\t"
		   "resp=");
	base64_encode(str_data(plain), str_len(plain), cmd);
	str_append_c(cmd, '\n');
	ret = dovecot_socket_send(login->auth_fd, login->auth_path,
				  str_data(cmd), str_len(cmd), error_r);
	buffer_clear_safe(plain);
	buffer_clear_safe(cmd);
	str_free(&plain);
	str_free(&cmd);
	return ret;
}

/* What a FAIL says. */
static const char *login_fail_reason(const char *line)
{
	const char *const *fields = t_strsplit_tabescaped(line), *value;

	for (; *fields != NULL; fields++) {
		if (str_begins(*fields, "reason=", &value))
			return value;
	}
	return "the auth process gives no reason; see its log";
}

/* Returns 1 if logged in, 0 if refused, -1 on error. */
static int login_authenticate(struct live_login *login, const char *username,
			      const char *password, const char **error_r)
{
	if (login_handshake(login, error_r) < 0 ||
	    login_send_password(login, username, password, error_r) < 0 ||
	    login_read_line(login, login->auth_fd, login->auth_path,
			    error_r) < 0)
		return -1;
	if (str_begins_with(login->line, "OK\t1\t"))
		return 1;
	*error_r = str_begins_with(login->line, "FAIL\t1") ?
		login_fail_reason(login->line) :
		"the auth process asks for more than a password";
	return 0;
}

/* What the mail process asks for after the login process has let somebody in.
   Returns 1 and the fields in login->line, 0 if refused, -1 on error. */
static int login_get_fields(struct live_login *login, const char **error_r)
{
	const char *cmd = t_strdup_printf(LIVE_LOGIN_VERSION
		"REQUEST\t1\t%s\t1\t%s\tsession_pid=%s\n",
		my_pid, login->cookie, my_pid);

	if (login_connect(login->master_path, &login->master_fd, error_r) < 0 ||
	    dovecot_socket_send(login->master_fd, login->master_path, cmd,
				strlen(cmd), error_r) < 0)
		return -1;
	do {
		if (login_read_line(login, login->master_fd,
				    login->master_path, error_r) < 0)
			return -1;
	} while (str_begins_with(login->line, "VERSION\t") ||
		 str_begins_with(login->line, "SPID\t"));
	if (str_begins_with(login->line, "USER\t1\t"))
		return 1;
	*error_r = str_begins_with(login->line, "FAIL\t1") ?
		login_fail_reason(login->line) :
		"the userdb does not know the mailbox";
	return 0;
}

/* Takes the line apart in place, so that there are no copies to wipe. */
static enum live_login_result
login_compare_fields(struct live_login *login, const char *key_password)
{
	const size_t len = strlen(key_password);
	char *field, *next;
	const char *value;

	for (field = login->line; field != NULL; field = next) {
		next = strchr(field, '\t');
		if (next != NULL)
			*next++ = '\0';
		if (!str_begins(field, LIVE_LOGIN_FIELD, &value))
			continue;
		value = str_tabunescape(field + strlen(LIVE_LOGIN_FIELD));
		if (value[0] == '\0')
			return LIVE_LOGIN_NONE;
		return strlen(value) == len &&
			mem_equals_timing_safe(value, key_password, len) ?
			LIVE_LOGIN_SAME : LIVE_LOGIN_DIFFERENT;
	}
	return LIVE_LOGIN_NONE;
}

int live_login_compare(const char *base_dir, const char *username,
		       const char *password, const char *key_password,
		       enum live_login_result *result_r, const char **error_r)
{
	struct live_login *login = i_new(struct live_login, 1);
	int ret;

	login->auth_path = t_strconcat(base_dir, "/auth-login", NULL);
	login->master_path = t_strconcat(base_dir, "/auth-master", NULL);
	login->auth_fd = login->master_fd = -1;

	ret = login_authenticate(login, username, password, error_r);
	if (ret > 0)
		ret = login_get_fields(login, error_r);
	if (ret > 0)
		*result_r = login_compare_fields(login, key_password);
	else if (ret == 0)
		*result_r = LIVE_LOGIN_REFUSED;

	i_close_fd(&login->auth_fd);
	i_close_fd(&login->master_fd);
	safe_memset(login, 0, sizeof(*login));
	i_free(login);
	return ret < 0 ? -1 : 0;
}
