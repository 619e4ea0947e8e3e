#ifndef HTTP_PRIVATE_H
#define HTTP_PRIVATE_H

/* What the files of the server share. */

#include "http-connection.h"
#include "http-server.h"
#include "work-queue.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdint.h>

struct http_server {
	const struct settings *set;
	const struct http_site *site;
	struct http_listener *listener;
	struct http_connections *connections;
	struct work_queue *slow;
	struct MHD_Daemon *daemon;
	atomic_bool stopping;
};

enum exchange_state {
	/* The headers have come. */
	EXCHANGE_NEW,
	EXCHANGE_BODY,
	/* The answer is there, the end of the request not yet. */
	EXCHANGE_READY,
	EXCHANGE_SLOW,
	EXCHANGE_ANSWERED
};

struct exchange {
	/* First. */
	struct http_exchange public;

	struct http_server *server;
	struct MHD_Connection *mhd;
	struct http_connection *connection;
	enum exchange_state state;
	uint64_t started_usecs;
	/* From the request line, as it came; what was sent as method. */
	const char *uri, *method_text;
	struct buffer body;
	size_t body_max, body_size;
	/* A body of another type than a form. */
	bool body_is_foreign;

	struct work work;
	enum work_end work_end;
	void (*slow)(void *context);
	void *slow_context;
	http_then_t *then;
};

/* ---- http-exchange.c: one request, from its first line to its end */

void *exchange_create(void *context, const char *uri,
		      struct MHD_Connection *mhd);
enum MHD_Result exchange_continue(void *context, struct MHD_Connection *mhd,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_size, void **exchange);
void exchange_free(void *context, struct MHD_Connection *mhd, void **exchange,
		   enum MHD_RequestTerminationCode code);

/* ---- http-headers.c: the request without its body */

/* Reads and checks them. Returns 0, or the status to refuse it with. */
unsigned int exchange_read_headers(struct exchange *exchange);
/* Returns 0, or the status to refuse it with. */
unsigned int exchange_read_form(struct exchange *exchange);

/* ---- http-answer.c */

enum MHD_Result exchange_send(struct exchange *exchange);

#endif
