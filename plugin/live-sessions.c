#include "lib.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "dovecot-socket.h"
#include "live-sessions.h"

#define LIVE_SESSIONS_LINE_MAX 8192

/* Dovecot's internal protocols, of which this speaks one command each:
   src/anvil/anvil-connection.c and src/auth/auth-master-connection.c. */
/* no service, no pid: it asks for nothing by itself */
#define ANVIL_HANDSHAKE "VERSION\tanvil-client\t2\t0\n\n"
#define AUTH_MASTER_HANDSHAKE "VERSION\t1\t3\n"

/* Returns 1 if answered, 0 if nobody listens, -1 on error. */
static int query_count(const char *path, const char *command,
		       const char *reply_prefix, unsigned int *count_r,
		       const char **error_r)
{
	char line[LIVE_SESSIONS_LINE_MAX];
	const char *value;
	int fd, ret;

	*count_r = 0;
	ret = dovecot_socket_connect(path, &fd, error_r);
	if (ret <= 0)
		return ret;
	ret = dovecot_socket_send(fd, path, command, strlen(command), error_r);
	/* the answer is the first line after the handshake */
	if (ret == 0) do {
		ret = dovecot_socket_read_line(fd, path, line, sizeof(line),
					       error_r);
	} while (ret == 0 && (str_begins_with(line, "VERSION\t") ||
			      str_begins_with(line, "SPID\t")));
	i_close_fd(&fd);
	if (ret < 0)
		return -1;
	if (!str_begins(line, reply_prefix, &value) ||
	    str_to_uint(value, count_r) < 0) {
		*error_r = t_strdup_printf("%s answered: %s", path, line);
		return -1;
	}
	return 1;
}

static const char *anvil_path(const char *base_dir)
{
	return t_strconcat(base_dir, "/anvil", NULL);
}

int live_sessions_kick(const char *base_dir, const char *username,
		       unsigned int *count_r, const char **error_r)
{
	string_t *cmd = t_str_new(128);

	str_append(cmd, ANVIL_HANDSHAKE"KICK-USER\t");
	str_append_tabescaped(cmd, username);
	str_append_c(cmd, '\n');
	return query_count(anvil_path(base_dir), str_c(cmd), "", count_r,
			   error_r) < 0 ? -1 : 0;
}

int live_sessions_flush_auth_cache(const char *base_dir, const char *username,
				   unsigned int *count_r, const char **error_r)
{
	const char *path = t_strconcat(base_dir, "/auth-master", NULL);
	string_t *cmd = t_str_new(128);
	int fd, ret;

	str_append(cmd, AUTH_MASTER_HANDSHAKE"CACHE-FLUSH\t1\t");
	str_append_tabescaped(cmd, username);
	str_append_c(cmd, '\n');
	ret = query_count(path, str_c(cmd), "OK\t1\t", count_r, error_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	/* no auth process, no cache; unless only its socket is missing */
	ret = dovecot_socket_connect(anvil_path(base_dir), &fd, error_r);
	if (ret <= 0)
		return ret;
	i_close_fd(&fd);
	*error_r = t_strdup_printf("nobody listens on %s, though Dovecot runs",
				   path);
	return -1;
}
