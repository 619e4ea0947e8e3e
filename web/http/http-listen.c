#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "http-listen.h"
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define UNIX_MODE 0660
#define BACKLOG 1024

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_un un;
};

struct http_listener {
	int fd;
	bool inherited, is_unix;
	/* Of a unix socket: only our own is ever removed. */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;
	ino_t ino;
};

static char error_text[256];

static int failed(const char *action, const char *where, const char **error_r)
{
	(void)snprintf(error_text, sizeof(error_text), "%s(%s) failed: %s",
		       action, where, strerror(errno));
	*error_r = error_text;
	return -1;
}

static bool parse_port(const char *text, in_port_t *port_r)
{
	unsigned int port = 0;

	if (*text == '\0' || strlen(text) > 5)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		port = port * 10 + (unsigned int)(*text - '0');
	}
	if (port == 0 || port > 65535)
		return false;
	*port_r = htons((in_port_t)port);
	return true;
}

/* Returns the size, 0 if it is malformed. */
static socklen_t parse_host(const char *where, union address *address)
{
	const char *colon = strrchr(where, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - where);
	char host[INET6_ADDRSTRLEN];
	in_port_t port;

	if (colon == NULL || !parse_port(colon + 1, &port))
		return 0;
	if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
		where++;
		len -= 2;
		address->any.sa_family = AF_INET6;
	} else {
		address->any.sa_family = AF_INET;
	}
	if (len >= sizeof(host))
		return 0;
	memcpy(host, where, len);
	host[len] = '\0';
	if (address->any.sa_family == AF_INET6) {
		address->ipv6.sin6_port = port;
		return inet_pton(AF_INET6, host,
				 &address->ipv6.sin6_addr) == 1 ?
			sizeof(address->ipv6) : 0;
	}
	address->ipv4.sin_port = port;
	return inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1 ?
		sizeof(address->ipv4) : 0;
}

static socklen_t parse_address(const char *where, union address *address_r)
{
	memset(address_r, 0, sizeof(*address_r));
	if (strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0)
		return parse_host(where, address_r);
	where += strlen(UNIX_PREFIX);
	if (where[0] != '/' || strlen(where) >= sizeof(address_r->un.sun_path))
		return 0;
	address_r->un.sun_family = AF_UNIX;
	memcpy(address_r->un.sun_path, where, strlen(where));
	return sizeof(address_r->un);
}

bool http_listen_parse(const char *where)
{
	union address address;

	return strcmp(where, "systemd") == 0 ||
		parse_address(where, &address) > 0;
}

static int use_inherited(struct http_listener *listener, const char **error_r)
{
	int listens = 0, type = 0;
	socklen_t size = sizeof(int);

	if (service_listen_fds() != 1) {
		*error_r = "listen(systemd) failed: systemd has not given "
			"exactly one socket";
		return -1;
	}
	listener->fd = SERVICE_LISTEN_FDS_START;
	if (getsockopt(listener->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
		       &size) < 0 ||
	    getsockopt(listener->fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    fcntl(listener->fd, F_SETFL, O_NONBLOCK) < 0)
		return failed("getsockopt", "systemd", error_r);
	if (!listens || type != SOCK_STREAM) {
		*error_r = "listen(systemd) failed: not a stream socket that "
			"listens";
		return -1;
	}
	listener->inherited = true;
	return 0;
}

/* A socket that nobody listens on was left by a process that died. */
static int remove_stale(const char *where, const union address *address,
			socklen_t size, const char **error_r)
{
	const char *path = address->un.sun_path;
	struct stat st;
	int fd, ret;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : failed("lstat", where, error_r);
	errno = EEXIST;
	if (!S_ISSOCK(st.st_mode))
		return failed("bind", where, error_r);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed("socket", where, error_r);
	ret = connect(fd, &address->any, size);
	if (ret == 0 || errno != ECONNREFUSED) {
		errno = EADDRINUSE;
		ret = failed("bind", where, error_r);
	} else {
		ret = unlink(path) == 0 || errno == ENOENT ? 0 :
			failed("unlink", where, error_r);
	}
	(void)close(fd);
	return ret;
}

static int open_unix(struct http_listener *listener, const char *where,
		     const char **error_r)
{
	struct stat st;

	if (chmod(listener->path, UNIX_MODE) < 0 ||
	    lstat(listener->path, &st) < 0)
		return failed("chmod", where, error_r);
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
	return 0;
}

static int open_own(struct http_listener *listener, const char *where,
		    const char **error_r)
{
	const int on = 1;
	union address address;
	const socklen_t size = parse_address(where, &address);

	errno = EINVAL;
	if (size == 0)
		return failed("listen", where, error_r);
	listener->is_unix = address.any.sa_family == AF_UNIX;
	if (listener->is_unix && remove_stale(where, &address, size,
					      error_r) < 0)
		return -1;
	listener->fd = socket(address.any.sa_family, SOCK_STREAM |
			      SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return failed("socket", where, error_r);
	if (!listener->is_unix)
		(void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
	if (bind(listener->fd, &address.any, size) < 0)
		return failed("bind", where, error_r);
	if (listener->is_unix) {
		memcpy(listener->path, address.un.sun_path,
		       sizeof(listener->path));
		if (open_unix(listener, where, error_r) < 0)
			return -1;
	}
	if (listen(listener->fd, BACKLOG) < 0)
		return failed("listen", where, error_r);
	return 0;
}

struct http_listener *http_listen(const char *where, const char **error_r)
{
	struct http_listener *listener = calloc(1, sizeof(*listener));
	int ret;

	if (listener == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	listener->fd = -1;
	ret = strcmp(where, "systemd") == 0 ?
		use_inherited(listener, error_r) :
		open_own(listener, where, error_r);
	if (ret < 0)
		http_listener_free(&listener);
	return listener;
}

int http_listener_fd(const struct http_listener *listener)
{
	return listener->fd;
}

bool http_listener_is_inherited(const struct http_listener *listener)
{
	return listener->inherited;
}

static void remove_path(struct http_listener *listener)
{
	struct stat st;

	if (listener->path[0] != '\0' && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		(void)unlink(listener->path);
	listener->path[0] = '\0';
}

/* A new connection's first packet, SYN without ACK, is dropped: its sender
   tries again a second later, and is then refused, or meets the next process.
   If the socket were closed instead, those in its queue would be cut off. */
static void drop_new_connections(int fd)
{
	struct sock_filter code[] = {
		/* the flags in the TCP header */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code
	};

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			 sizeof(program));
}

void http_listener_close_door(struct http_listener *listener)
{
	if (listener->is_unix)
		remove_path(listener);
	else
		drop_new_connections(listener->fd);
}

void http_listener_free(struct http_listener **_listener)
{
	struct http_listener *listener = *_listener;

	if (listener == NULL)
		return;
	*_listener = NULL;
	remove_path(listener);
	if (listener->fd >= 0)
		(void)close(listener->fd);
	free(listener);
}
