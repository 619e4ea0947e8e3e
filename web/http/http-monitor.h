#ifndef HTTP_MONITOR_H
#define HTTP_MONITOR_H

/* A second, local listener for those who look after the portal: /healthz says
   whether it can serve, /metrics what it counts. */

#include <stdbool.h>

struct http_listener;
struct http_monitor;

/* Both are called by the monitor's thread. */
struct http_monitor_hooks {
	/* Whether requests can be served. */
	bool (*is_ready)(void);
	/* Sets what is not counted as it happens, before it is shown. */
	void (*measure)(void);
};

/* The monitor takes the listener over; the hooks are to outlive it. Returns NULL
   with a static text in *error_r. */
struct http_monitor *http_monitor_start(struct http_listener **listener,
					const struct http_monitor_hooks *hooks,
					const char **error_r);
void http_monitor_stop(struct http_monitor **monitor);

#endif
