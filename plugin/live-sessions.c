#include "lib.h"
#include "istream.h"
#include "net.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "write-full.h"
#include "live-sessions.h"

#include <sys/socket.h>
#include <unistd.h>

/* anvil answers a kick when the sessions have, which may take them a while */
#define LIVE_SESSIONS_TIMEOUT_SECS 10
#define LIVE_SESSIONS_LINE_MAX 8192

/* Dovecot's internal protocols, of which this speaks one command each:
   src/anvil/anvil-connection.c and src/auth/auth-master-connection.c. */
/* no service, no pid: it asks for nothing by itself */
#define ANVIL_HANDSHAKE "VERSION\tanvil-client\t2\t0\n\n"
#define AUTH_MASTER_HANDSHAKE "VERSION\t1\t3\n"

/* Returns 1 if connected, 0 if nobody listens, -1 on error. */
static int connect_as_root(const char *path, int *fd_r, const char **error_r)
{
	const struct timeval timeout = {
		.tv_sec = LIVE_SESSIONS_TIMEOUT_SECS
	};
	const uid_t euid = geteuid();
	int fd, connect_errno;

	/* the mail user may not use these sockets */
	if (euid != 0 && getuid() == 0 && seteuid(0) < 0) {
		*error_r = t_strdup_printf("seteuid(0) failed: %m");
		return -1;
	}
	fd = net_connect_unix(path);
	connect_errno = errno;
	if (euid != geteuid() && seteuid(euid) < 0)
		i_fatal("seteuid(%s) failed: %m", dec2str(euid));
	if (fd == -1) {
		if (connect_errno == ENOENT || connect_errno == ECONNREFUSED)
			return 0;
		errno = connect_errno;
		*error_r = t_strdup_printf("net_connect_unix(%s) failed: %m",
					   path);
		return -1;
	}
	net_set_nonblock(fd, FALSE);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		*error_r = t_strdup_printf("setsockopt(%s) failed: %m", path);
		i_close_fd(&fd);
		return -1;
	}
	*fd_r = fd;
	return 1;
}

/* Sends the command and returns the first line that does not belong to the
   handshake: NULL if there is none. */
static const char *
query(int fd, const char *path, const char *command, const char **error_r)
{
	struct istream *input;
	const char *line;

	if (write_full(fd, command, strlen(command)) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		return NULL;
	}
	input = i_stream_create_fd(fd, LIVE_SESSIONS_LINE_MAX);
	do {
		line = i_stream_read_next_line(input);
	} while (line != NULL && (str_begins_with(line, "VERSION\t") ||
				  str_begins_with(line, "SPID\t")));
	line = t_strdup(line);
	if (line == NULL) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path,
			input->stream_errno != 0 ? i_stream_get_error(input) :
			"no answer");
	}
	i_stream_destroy(&input);
	return line;
}

static int query_count(const char *path, const char *command,
		       const char *reply_prefix, unsigned int *count_r,
		       const char **error_r)
{
	const char *line, *value;
	int fd, ret;

	*count_r = 0;
	ret = connect_as_root(path, &fd, error_r);
	if (ret <= 0)
		return ret;
	line = query(fd, path, command, error_r);
	i_close_fd(&fd);
	if (line == NULL)
		return -1;
	if (!str_begins(line, reply_prefix, &value) ||
	    str_to_uint(value, count_r) < 0) {
		*error_r = t_strdup_printf("%s answered: %s", path, line);
		return -1;
	}
	return 0;
}

int live_sessions_kick(const char *base_dir, const char *username,
		       unsigned int *count_r, const char **error_r)
{
	string_t *cmd = t_str_new(128);

	str_append(cmd, ANVIL_HANDSHAKE"KICK-USER\t");
	str_append_tabescaped(cmd, username);
	str_append_c(cmd, '\n');
	return query_count(t_strconcat(base_dir, "/anvil", NULL), str_c(cmd),
			   "", count_r, error_r);
}

int live_sessions_flush_auth_cache(const char *base_dir, const char *username,
				   unsigned int *count_r, const char **error_r)
{
	string_t *cmd = t_str_new(128);

	str_append(cmd, AUTH_MASTER_HANDSHAKE"CACHE-FLUSH\t1\t");
	str_append_tabescaped(cmd, username);
	str_append_c(cmd, '\n');
	return query_count(t_strconcat(base_dir, "/auth-master", NULL),
			   str_c(cmd), "OK\t1\t", count_r, error_r);
}
