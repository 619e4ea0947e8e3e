#include "http-monitor.h"
#include "buffer.h"
#include "http-listen.h"
#include "metrics.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 16
#define TIMEOUT_SECS 5

struct http_monitor {
	struct http_listener *listener;
	struct MHD_Daemon *daemon;
	const struct http_monitor_hooks *hooks;
};

static enum MHD_Result reply(struct MHD_Connection *mhd, unsigned int status,
			     const char *type, const struct buffer *body)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body->size, body->data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret = MHD_NO;

	if (response == NULL)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", type) &&
	    MHD_add_response_header(response, "Cache-Control", "no-store") &&
	    MHD_add_response_header(response, "X-Content-Type-Options",
				    "nosniff") &&
	    (status != 405 ||
	     MHD_add_response_header(response, "Allow", "GET, HEAD")))
		ret = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *mhd,
			      const char *url, const char *method,
			      const char *version, const char *data,
			      size_t *data_size, void **seen)
{
	const struct http_monitor *monitor = context;
	const char *type = "text/plain; charset=utf-8";
	struct buffer body = BUFFER_INIT;
	unsigned int status = 200;
	enum MHD_Result ret;

	(void)version; (void)data;
	/* The first call is for the headers only. */
	if (*seen == NULL || *data_size > 0) {
		*seen = (void *)(uintptr_t)monitor;
		*data_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		status = 405;
		buffer_append_str(&body, "method not allowed\n");
	} else if (strcmp(url, "/healthz") == 0) {
		if (!monitor->hooks->is_ready())
			status = 503;
		buffer_append_str(&body, status == 200 ? "ok\n" :
				  "not ready\n");
	} else if (strcmp(url, "/metrics") == 0) {
		type = metrics_content_type;
		monitor->hooks->measure();
		metrics_render(&body);
	} else {
		status = 404;
		buffer_append_str(&body, "not found\n");
	}
	ret = reply(mhd, status, type, &body);
	buffer_free(&body);
	return ret;
}

struct http_monitor *http_monitor_start(struct http_listener **listener,
					const struct http_monitor_hooks *hooks,
					const char **error_r)
{
	struct http_monitor *monitor = calloc(1, sizeof(*monitor));

	if (monitor == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	monitor->listener = *listener;
	*listener = NULL;
	monitor->hooks = hooks;
	monitor->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL, answer, monitor,
		MHD_OPTION_LISTEN_SOCKET, http_listener_fd(monitor->listener),
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)TIMEOUT_SECS,
		MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
		MHD_OPTION_END);
	if (monitor->daemon == NULL) {
		*error_r = "MHD_start_daemon() failed";
		http_monitor_stop(&monitor);
	}
	return monitor;
}

void http_monitor_stop(struct http_monitor **_monitor)
{
	struct http_monitor *monitor = *_monitor;

	if (monitor == NULL)
		return;
	*_monitor = NULL;
	if (monitor->daemon != NULL) {
		(void)MHD_quiesce_daemon(monitor->daemon);
		MHD_stop_daemon(monitor->daemon);
	}
	http_listener_free(&monitor->listener);
	free(monitor);
}
