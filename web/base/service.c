#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* "@" in front stands for a NUL: a name that is no file. */
static bool notify_address(struct sockaddr_un *address_r, socklen_t *size_r)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const size_t len = path == NULL ? 0 : strlen(path);

	if (len < 2 || len >= sizeof(address_r->sun_path) ||
	    (path[0] != '@' && path[0] != '/'))
		return false;
	memset(address_r, 0, sizeof(*address_r));
	address_r->sun_family = AF_UNIX;
	memcpy(address_r->sun_path, path, len);
	if (path[0] == '@')
		address_r->sun_path[0] = '\0';
	*size_r = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

void service_notify(const char *state)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd;

	if (!notify_address(&address, &size))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	while (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		      (const struct sockaddr *)&address, size) < 0 &&
	       errno == EINTR)
		;
	(void)close(fd);
}

static uint64_t number_of(const char *name)
{
	const char *text = getenv(name);
	unsigned long long number;
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	number = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' ? 0 : number;
}

uint64_t service_watchdog_msecs(void)
{
	const char *pid = getenv("WATCHDOG_PID");

	if (pid != NULL && number_of("WATCHDOG_PID") != (uint64_t)getpid())
		return 0;
	return number_of("WATCHDOG_USEC") / 2000;
}

unsigned int service_listen_fds(void)
{
	const uint64_t pid = number_of("LISTEN_PID");
	const uint64_t count = number_of("LISTEN_FDS");
	unsigned int i;

	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (pid != (uint64_t)getpid() || count > 64)
		return 0;
	for (i = 0; i < count; i++)
		(void)fcntl(SERVICE_LISTEN_FDS_START + (int)i, F_SETFD,
			    FD_CLOEXEC);
	return (unsigned int)count;
}
