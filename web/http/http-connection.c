#define _GNU_SOURCE /* POLLRDHUP */
#include "http-connection.h"
#include "clock.h"
#include "metrics.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* Until the next request begins. */
#define IDLE_MSECS 30000
#define SWEEP_MSECS 250
#define NEVER UINT64_MAX

struct http_connection {
	struct http_connection *prev, *next;
	int fd;
	unsigned int request_msecs;
	atomic_bool idle;
	atomic_uint_fast64_t deadline_msecs;
};

struct http_connections {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct http_connection *first;
	pthread_t sweeper;
	unsigned int request_msecs;
	bool stopping;
};

static void *allocate(size_t size)
{
	void *data = calloc(1, size);

	if (data == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	return data;
}

/* Its thread sees the end of the stream, and closes it. */
static void end_connection(struct http_connection *connection)
{
	(void)shutdown(connection->fd, SHUT_RDWR);
	atomic_store(&connection->deadline_msecs, NEVER);
}

static void sweep(struct http_connections *connections)
{
	const uint64_t now = clock_msecs();
	struct http_connection *connection;

	for (connection = connections->first; connection != NULL;
	     connection = connection->next) {
		if (atomic_load(&connection->deadline_msecs) > now)
			continue;
		if (!atomic_load(&connection->idle))
			metrics_count(METRICS_DEADLINES);
		end_connection(connection);
	}
}

static void *sweeper(void *context)
{
	struct http_connections *connections = context;
	struct timespec until;

	(void)pthread_mutex_lock(&connections->lock);
	while (!connections->stopping) {
		sweep(connections);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SWEEP_MSECS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		(void)pthread_cond_timedwait(&connections->changed,
					     &connections->lock, &until);
	}
	(void)pthread_mutex_unlock(&connections->lock);
	return NULL;
}

struct http_connections *http_connections_create(unsigned int request_msecs,
						 const char **error_r)
{
	struct http_connections *connections =
		allocate(sizeof(*connections));

	connections->request_msecs = request_msecs;
	(void)pthread_mutex_init(&connections->lock, NULL);
	(void)pthread_cond_init(&connections->changed, NULL);
	if (pthread_create(&connections->sweeper, NULL, sweeper,
			   connections) != 0) {
		free(connections);
		*error_r = "pthread_create() failed";
		return NULL;
	}
	return connections;
}

void http_connections_free(struct http_connections **_connections)
{
	struct http_connections *connections = *_connections;

	if (connections == NULL)
		return;
	*_connections = NULL;
	(void)pthread_mutex_lock(&connections->lock);
	connections->stopping = true;
	(void)pthread_cond_signal(&connections->changed);
	(void)pthread_mutex_unlock(&connections->lock);
	(void)pthread_join(connections->sweeper, NULL);
	(void)pthread_cond_destroy(&connections->changed);
	(void)pthread_mutex_destroy(&connections->lock);
	free(connections);
}

struct http_connection *
http_connection_add(struct http_connections *connections, int fd)
{
	struct http_connection *connection = allocate(sizeof(*connection));

	connection->fd = fd;
	connection->request_msecs = connections->request_msecs;
	http_connection_idle(connection);
	(void)pthread_mutex_lock(&connections->lock);
	connection->next = connections->first;
	if (connection->next != NULL)
		connection->next->prev = connection;
	connections->first = connection;
	(void)pthread_mutex_unlock(&connections->lock);
	metrics_gauge_add(METRICS_CONNECTIONS, 1);
	return connection;
}

void http_connection_remove(struct http_connections *connections,
			    struct http_connection **_connection)
{
	struct http_connection *connection = *_connection;

	*_connection = NULL;
	(void)pthread_mutex_lock(&connections->lock);
	if (connection->next != NULL)
		connection->next->prev = connection->prev;
	if (connection->prev != NULL)
		connection->prev->next = connection->next;
	else
		connections->first = connection->next;
	(void)pthread_mutex_unlock(&connections->lock);
	metrics_gauge_add(METRICS_CONNECTIONS, -1);
	free(connection);
}

void http_connection_busy(struct http_connection *connection)
{
	atomic_store(&connection->idle, false);
	atomic_store(&connection->deadline_msecs,
		     clock_msecs() + connection->request_msecs);
}

void http_connection_waits(struct http_connection *connection)
{
	atomic_store(&connection->deadline_msecs, NEVER);
}

void http_connection_idle(struct http_connection *connection)
{
	/* And for its first line, which we do not see before it is whole. */
	atomic_store(&connection->deadline_msecs, clock_msecs() + IDLE_MSECS +
		     connection->request_msecs);
	atomic_store(&connection->idle, true);
}

bool http_connection_is_gone(const struct http_connection *connection)
{
	struct pollfd pollfd = { .fd = connection->fd, .events = POLLRDHUP };

	return poll(&pollfd, 1, 0) > 0;
}

void http_connections_end_idle(struct http_connections *connections)
{
	struct http_connection *connection;

	(void)pthread_mutex_lock(&connections->lock);
	for (connection = connections->first; connection != NULL;
	     connection = connection->next) {
		if (atomic_load(&connection->idle))
			end_connection(connection);
	}
	(void)pthread_mutex_unlock(&connections->lock);
}
