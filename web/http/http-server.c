#define _GNU_SOURCE /* accept4() */
#include "http-private.h"
#include "attributes.h"
#include "clock.h"
#include "http-listen.h"
#include "log.h"
#include "settings.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 2048
/* Twice as much as a request's headers may be, so that those which are more get
   an answer of ours. A connection that is kept touches all of it. */
#define MEMORY_PER_CONNECTION (16 * 1024)
#define INACTIVITY_SECS 30
/* Fewer deviations from the standard are borne. */
#define DISCIPLINE 1
#define SLOW_WAIT_MSECS 10000
#define STOP_MSECS 20000
/* Connections without a request are left open for so long, since one may be on
   its way. */
#define STOP_IDLE_MSECS 1500
#define STOP_POLL_MSECS 10

bool http_server_is_stopping(const struct http_server *server)
{
	return atomic_load(&server->stopping);
}

static void ATTR_FORMAT(2, 0)
log_library(void *context, const char *format, va_list args)
{
	char text[256];

	(void)context;
	(void)vsnprintf(text, sizeof(text), format, args);
	/* Mostly of clients that went away or sent nonsense. */
	log_event(LOG_LEVEL_DEBUG, "http", "text", text, NULL);
}

static void connection_changed(void *context, struct MHD_Connection *mhd,
			       void **connection,
			       enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(mhd,
			MHD_CONNECTION_INFO_CONNECTION_FD);
		*connection = http_connection_add(server->connections,
						  info->connect_fd);
	} else if (*connection != NULL) {
		http_connection_remove(server->connections,
				       (struct http_connection **)connection);
	}
}

/* Poll, not epoll: when exactly 128 events come at once, the latter waits for
   another one before it serves any of them. */
static struct MHD_Daemon *start_daemon(struct http_server *server)
{
	const unsigned int threads = server->set->threads;
	const struct MHD_OptionItem pool[] = {
		{ threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
		  (intptr_t)threads, NULL },
		{ MHD_OPTION_END, 0, NULL }
	};

	return MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
		MHD_USE_ERROR_LOG, 0, NULL, NULL, exchange_continue, server,
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, http_listener_fd(server->listener),
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONNECTION,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)INACTIVITY_SECS,
		MHD_OPTION_CLIENT_DISCIPLINE_LVL, (int)DISCIPLINE,
		MHD_OPTION_URI_LOG_CALLBACK, exchange_create, server,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_free, server,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
		MHD_OPTION_ARRAY, pool,
		MHD_OPTION_END);
}

static void server_free(struct http_server *server)
{
	/* libmicrohttpd cannot be stopped as long as a connection is
	   suspended. */
	if (server->slow != NULL)
		work_queue_stop(server->slow);
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon);
	work_queue_free(&server->slow);
	http_connections_free(&server->connections);
	http_listener_free(&server->listener);
	free(server);
}

struct http_server *http_server_start(const struct settings *set,
				      const struct http_site *site,
				      struct http_listener **listener,
				      const char **error_r)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	server->set = set;
	server->site = site;
	server->listener = *listener;
	*listener = NULL;
	server->connections = http_connections_create(
		set->request_timeout_secs * 1000, error_r);
	if (server->connections != NULL)
		server->slow = work_queue_create(set->hash_threads,
						 set->hash_queue,
						 SLOW_WAIT_MSECS, error_r);
	if (server->slow != NULL) {
		server->daemon = start_daemon(server);
		if (server->daemon == NULL)
			*error_r = "MHD_start_daemon() failed";
	}
	if (server->daemon == NULL) {
		server_free(server);
		return NULL;
	}
	return server;
}

static unsigned int connections_count(const struct http_server *server)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon,
		MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info == NULL ? 0 : info->num_connections;
}

/* Those who were in the queue of the socket when its door was closed. */
static void accept_waiting(struct http_server *server)
{
	struct sockaddr_storage address;
	socklen_t size;
	int fd;

	for (;;) {
		size = sizeof(address);
		fd = accept4(http_listener_fd(server->listener),
			     (struct sockaddr *)&address, &size,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return;
		/* It closes the socket if it fails. */
		if (fd >= 0)
			(void)MHD_add_connection(server->daemon, fd,
						 (struct sockaddr *)&address,
						 size);
	}
}

static void finish_requests(struct http_server *server)
{
	const uint64_t start = clock_msecs();
	struct pollfd pollfd = { .fd = -1, .events = POLLIN };
	uint64_t passed = 0;

	if (!http_listener_is_inherited(server->listener))
		pollfd.fd = http_listener_fd(server->listener);
	do {
		(void)poll(&pollfd, 1, STOP_POLL_MSECS);
		if (pollfd.fd >= 0)
			accept_waiting(server);
		if (passed > STOP_IDLE_MSECS)
			http_connections_end_idle(server->connections);
		passed = clock_msecs() - start;
	} while (connections_count(server) > 0 && passed < STOP_MSECS);
}

void http_server_stop(struct http_server **_server)
{
	struct http_server *server = *_server;

	if (server == NULL)
		return;
	*_server = NULL;
	atomic_store(&server->stopping, true);
	if (!http_listener_is_inherited(server->listener))
		http_listener_close_door(server->listener);
	(void)MHD_quiesce_daemon(server->daemon);
	finish_requests(server);
	server_free(server);
}
