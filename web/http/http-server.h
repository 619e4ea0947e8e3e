#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

/* The server: reads requests, within limits and in time, lets the site answer
   them, and sends the answers. */

#include "http-request.h"
#include "http-response.h"

#include <stdbool.h>
#include <stddef.h>

struct http_listener;
struct http_server;
struct settings;

/* A request and its answer. */
struct http_exchange {
	struct http_request request;
	struct http_response response;
	/* The site's. */
	void *context;
	/* Of metrics_request(), set by begin(). */
	unsigned int route;
};

enum http_step {
	/* The response is complete. */
	HTTP_STEP_DONE,
	/* http_exchange_run_slow() was called, and has returned true. */
	HTTP_STEP_LATER
};

/* Called by the threads of the server. */
struct http_site {
	/* The request is known but for its form. Returns true if it shall be
	   read, at most body_max_r bytes of it, or false with the response. */
	bool (*begin)(struct http_exchange *exchange, size_t *body_max_r);
	/* The request is complete. */
	enum http_step (*run)(struct http_exchange *exchange);
	/* Fills in the response of a request that was refused with this
	   status; begin() may not have been called. */
	void (*refuse)(struct http_exchange *exchange, unsigned int status);
};

typedef enum http_step http_then_t(struct http_exchange *exchange);

/* The server takes the listener over. All are to outlive the server. Returns
   NULL with a static text in *error_r. */
struct http_server *http_server_start(const struct settings *set,
				      const struct http_site *site,
				      struct http_listener **listener,
				      const char **error_r);
/* Answers what has come or is still coming in, for some seconds at most, and
   ends. Who connects meanwhile is answered too or, if systemd has opened the
   socket, waits there for the next process. */
void http_server_stop(struct http_server **server);
/* Answers are the last of their connection from now on. */
bool http_server_is_stopping(const struct http_server *server);

/* For run() only: runs slow(context) in a thread of low priority, which may
   touch nothing but the context, and then calls then() in a thread of the
   server. Instead of both the request may be refused with 503, later, if it
   would have to wait for too long. Returns false, and calls neither, if too
   many wait already. */
bool http_exchange_run_slow(struct http_exchange *exchange,
			    void (*slow)(void *context), void *context,
			    http_then_t *then);

#endif
