#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

/* The open connections, and how long each may take for a request:
   libmicrohttpd itself only ends those on which nothing comes at all. A thread
   looks for those that are late and shuts them down. */

#include <stdbool.h>

struct http_connection;
struct http_connections;

/* Reading a request, and sending its answer, may each take request_msecs.
   Returns NULL with a static text in *error_r. */
struct http_connections *http_connections_create(unsigned int request_msecs,
						 const char **error_r);
void http_connections_free(struct http_connections **connections);

struct http_connection *
http_connection_add(struct http_connections *connections, int fd);
/* Before its socket is closed. */
void http_connection_remove(struct http_connections *connections,
			    struct http_connection **connection);

/* A request has begun, or goes on: it, and sending the answer, each have to be
   done in time. */
void http_connection_busy(struct http_connection *connection);
/* Its request waits for us. */
void http_connection_waits(struct http_connection *connection);
/* The answer was sent, another request may come. */
void http_connection_idle(struct http_connection *connection);

/* Whether the client has hung up, as far as can be seen. */
bool http_connection_is_gone(const struct http_connection *connection);
/* Ends those that have no request at the moment. */
void http_connections_end_idle(struct http_connections *connections);

#endif
