#include "http-private.h"
#include "arena.h"
#include "bytes.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is swallowed of a body that is too long and did not say so before: a
   client does not read an answer while it sends. */
#define SWALLOW_MAX (256 * 1024)

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

void *exchange_create(void *context, const char *uri,
		      struct MHD_Connection *mhd)
{
	struct arena *arena = arena_create();
	struct exchange *exchange = arena_new(arena, struct exchange, 1);
	struct http_request *request = &exchange->public.request;
	unsigned char random[HTTP_REQUEST_ID_LEN / 2];

	bytes_random(random, sizeof(random));
	bytes_to_hex(random, sizeof(random), request->id);
	request->arena = arena;
	request->path = "";
	request->client_address = "unix";
	exchange->public.route = METRICS_ROUTES_MAX;
	exchange->server = context;
	exchange->mhd = mhd;
	exchange->connection = connection_of(mhd);
	exchange->uri = arena_strdup(arena, uri);
	exchange->method_text = "";
	exchange->started_usecs = clock_usecs();
	http_connection_busy(exchange->connection);
	metrics_gauge_add(METRICS_IN_FLIGHT, 1);
	return exchange;
}

static enum MHD_Result answer(struct exchange *exchange)
{
	exchange->state = EXCHANGE_ANSWERED;
	http_connection_busy(exchange->connection);
	return exchange_send(exchange);
}

static enum MHD_Result refuse(struct exchange *exchange, unsigned int status)
{
	exchange->server->site->refuse(&exchange->public, status);
	return answer(exchange);
}

static enum MHD_Result begin(struct exchange *exchange, const char *method)
{
	struct http_exchange *public = &exchange->public;
	unsigned int status;

	exchange->method_text = arena_strdup(public->request.arena, method);
	status = exchange_read_headers(exchange);
	if (status != 0)
		return refuse(exchange, status);
	if (!exchange->server->site->begin(public, &exchange->body_max)) {
		/* An answer before the end of a request ends the connection. */
		if (public->request.method == HTTP_METHOD_POST)
			return answer(exchange);
		exchange->state = EXCHANGE_READY;
		return MHD_YES;
	}
	/* What has no length is counted as it comes. */
	if (exchange->body_size > exchange->body_max)
		return refuse(exchange, 413);
	if (exchange->body_is_foreign)
		return refuse(exchange, 415);
	exchange->body_size = 0;
	exchange->state = EXCHANGE_BODY;
	return MHD_YES;
}

static enum MHD_Result append(struct exchange *exchange, const char *data,
			      size_t *data_size)
{
	exchange->body_size += *data_size;
	if (exchange->body_size <= exchange->body_max)
		buffer_append(&exchange->body, data, *data_size);
	/* libmicrohttpd does not wipe its memory, and a form may hold
	   passwords. It reads no more of what was taken. */
	explicit_bzero((void *)(uintptr_t)data, *data_size);
	*data_size = 0;
	return exchange->body_size > SWALLOW_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result step(struct exchange *exchange, enum http_step result)
{
	return result == HTTP_STEP_LATER ? MHD_YES : answer(exchange);
}

static enum MHD_Result run(struct exchange *exchange)
{
	unsigned int status = 413;

	if (exchange->body_size <= exchange->body_max)
		status = exchange_read_form(exchange);
	buffer_free(&exchange->body);
	if (status != 0)
		return refuse(exchange, status);
	return step(exchange, exchange->server->site->run(&exchange->public));
}

static enum MHD_Result continue_slow(struct exchange *exchange)
{
	http_connection_busy(exchange->connection);
	if (exchange->work_end != WORK_DONE)
		return refuse(exchange, 503);
	return step(exchange, exchange->then(&exchange->public));
}

enum MHD_Result exchange_continue(void *context, struct MHD_Connection *mhd,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_size, void **_exchange)
{
	struct exchange *exchange = *_exchange;

	(void)context; (void)mhd; (void)url; (void)version;
	switch (exchange->state) {
	case EXCHANGE_NEW:
		return begin(exchange, method);
	case EXCHANGE_BODY:
		if (*data_size > 0)
			return append(exchange, data, data_size);
		return run(exchange);
	case EXCHANGE_READY:
		return answer(exchange);
	case EXCHANGE_SLOW:
		return continue_slow(exchange);
	case EXCHANGE_ANSWERED:
		break;
	}
	return MHD_NO;
}

/* ---- slow work */

static bool slow_wanted(void *context)
{
	struct exchange *exchange = context;

	return !http_connection_is_gone(exchange->connection);
}

static void slow_run(void *context)
{
	struct exchange *exchange = context;

	exchange->slow(exchange->slow_context);
}

static void slow_ended(void *context, enum work_end end)
{
	struct exchange *exchange = context;

	exchange->work_end = end;
	MHD_resume_connection(exchange->mhd);
}

bool http_exchange_run_slow(struct http_exchange *public,
			    void (*slow)(void *context), void *context,
			    http_then_t *then)
{
	struct exchange *exchange = (struct exchange *)public;

	if (!work_queue_reserve(exchange->server->slow))
		return false;
	exchange->state = EXCHANGE_SLOW;
	exchange->slow = slow;
	exchange->slow_context = context;
	exchange->then = then;
	exchange->work = (struct work){
		.wanted = slow_wanted, .run = slow_run, .ended = slow_ended,
		.context = exchange
	};
	http_connection_waits(exchange->connection);
	/* Before the work can resume it. */
	MHD_suspend_connection(exchange->mhd);
	work_queue_push(exchange->server->slow, &exchange->work);
	return true;
}

/* ---- its end */

static void log_request(const struct exchange *exchange, uint64_t usecs,
			bool complete)
{
	const struct http_request *request = &exchange->public.request;
	char status[16], msecs[32];

	(void)snprintf(status, sizeof(status), "%u",
		       exchange->public.response.status);
	(void)snprintf(msecs, sizeof(msecs), "%"PRIu64".%03"PRIu64,
		       usecs / 1000, usecs % 1000);
	log_event(LOG_LEVEL_INFO, "request", "method", exchange->method_text,
		  "path", request->path, "status", status, "msecs", msecs,
		  "client", request->client_address, "cut",
		  complete ? NULL : "yes", "request", request->id, NULL);
}

void exchange_free(void *context, struct MHD_Connection *mhd, void **_exchange,
		   enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *_exchange;
	struct arena *arena;
	uint64_t usecs;

	(void)context; (void)mhd;
	if (exchange == NULL)
		return;
	*_exchange = NULL;
	usecs = clock_usecs() - exchange->started_usecs;
	metrics_gauge_add(METRICS_IN_FLIGHT, -1);
	metrics_request(exchange->public.route,
			exchange->public.response.status, usecs);
	log_request(exchange, usecs,
		    code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	http_connection_idle(exchange->connection);
	buffer_free(&exchange->body);
	buffer_free(&exchange->public.response.body);
	/* The exchange itself is in there. */
	arena = exchange->public.request.arena;
	arena_free(&arena);
}
