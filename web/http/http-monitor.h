#ifndef HTTP_MONITOR_H
#define HTTP_MONITOR_H

/* A second, local listener for those who look after the portal: /healthz says
   whether it can serve, /metrics what it counts. */

#include <stdbool.h>

struct http_listener;
struct http_monitor;

/* Whether requests can be served; called by the monitor's thread. The monitor
   takes the listener over. Returns NULL with a static text in *error_r. */
struct http_monitor *http_monitor_start(struct http_listener **listener,
					bool (*is_ready)(void),
					const char **error_r);
void http_monitor_stop(struct http_monitor **monitor);

#endif
