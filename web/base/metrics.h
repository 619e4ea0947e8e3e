#ifndef METRICS_H
#define METRICS_H

/* What the portal counts, and its page for Prometheus in the OpenMetrics text
   format. Counting takes no lock. Any thread. */

#include <stdint.h>

struct buffer;

enum metrics_counter {
	/* A rate limit has refused something. */
	METRICS_RATE_LIMITED,
	/* A statement failed. */
	METRICS_DATABASE_ERRORS,
	/* Slow work refused because too much was waiting. */
	METRICS_SLOW_REJECTED,
	/* Slow work left undone: it waited for too long, or its client went. */
	METRICS_SLOW_DROPPED,
	/* Connections ended because their request took too long. */
	METRICS_DEADLINES,
	METRICS_COUNTER_COUNT
};

enum metrics_gauge {
	METRICS_CONNECTIONS,
	METRICS_IN_FLIGHT,
	METRICS_SLOW_QUEUED,
	METRICS_SESSIONS,
	METRICS_MAILS_WAITING,
	METRICS_GAUGE_COUNT
};

#define METRICS_ROUTES_MAX 64

/* Before all others. The names of routes, at most METRICS_ROUTES_MAX, are
   static. */
void metrics_init(const char *version, const char *const *routes,
		  unsigned int count);

void metrics_count(enum metrics_counter counter);
void metrics_gauge_add(enum metrics_gauge gauge, int64_t change);
/* METRICS_UNKNOWN: it is left out. */
#define METRICS_UNKNOWN INT64_MIN
void metrics_gauge_set(enum metrics_gauge gauge, int64_t value);
/* A request was answered. */
void metrics_request(unsigned int route, unsigned int status, uint64_t usecs);

extern const char *const metrics_content_type;
void metrics_render(struct buffer *out);

#endif
