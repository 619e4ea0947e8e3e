#include "lib.h"
#include "net.h"
#include "write-full.h"
#include "dovecot-socket.h"

#include <sys/socket.h>
#include <unistd.h>

/* anvil answers a kick when the sessions have, which may take them a while */
#define DOVECOT_SOCKET_TIMEOUT_SECS 10

int dovecot_socket_connect(const char *path, int *fd_r, const char **error_r)
{
	const struct timeval timeout = {
		.tv_sec = DOVECOT_SOCKET_TIMEOUT_SECS
	};
	const uid_t euid = geteuid();
	int fd, connect_errno;

	if (euid != 0 && getuid() == 0 && seteuid(0) < 0) {
		*error_r = t_strdup_printf("seteuid(0) failed: %m");
		return -1;
	}
	fd = net_connect_unix(path);
	connect_errno = errno;
	if (euid != geteuid() && seteuid(euid) < 0)
		i_fatal("seteuid(%s) failed: %m", dec2str(euid));
	if (fd == -1) {
		errno = connect_errno;
		*error_r = t_strdup_printf("net_connect_unix(%s) failed: %m",
					   path);
		return connect_errno == ENOENT ||
			connect_errno == ECONNREFUSED ? 0 : -1;
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

int dovecot_socket_send(int fd, const char *path, const void *data,
			size_t size, const char **error_r)
{
	if (write_full(fd, data, size) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		return -1;
	}
	return 0;
}

int dovecot_socket_read_line(int fd, const char *path, char *line_r,
			     size_t size, const char **error_r)
{
	size_t len = 0;
	ssize_t ret;
	char c;

	while ((ret = read(fd, &c, 1)) == 1 && c != '\n') {
		if (len + 1 >= size) {
			*error_r = t_strdup_printf(
				"read(%s) failed: the line is too long", path);
			return -1;
		}
		line_r[len++] = c;
	}
	if (ret <= 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path,
			ret == 0 ? "no answer" :
			errno == EAGAIN ? "timed out" : t_strdup_printf("%m"));
		return -1;
	}
	line_r[len] = '\0';
	return 0;
}
