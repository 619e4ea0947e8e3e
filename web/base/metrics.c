#include "metrics.h"
#include "buffer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>

#define BUCKETS 11

struct histogram {
	/* The last one is for what is above all limits. */
	atomic_uint_fast64_t buckets[BUCKETS + 1];
	atomic_uint_fast64_t usecs;
};

static const struct {
	const char *text;
	uint64_t usecs;
} limits[BUCKETS] = {
	{ "0.001", 1000 }, { "0.0025", 2500 }, { "0.005", 5000 },
	{ "0.01", 10000 }, { "0.025", 25000 }, { "0.05", 50000 },
	{ "0.1", 100000 }, { "0.25", 250000 }, { "0.5", 500000 },
	{ "1.0", 1000000 }, { "5.0", 5000000 },
};

static const struct {
	const char *name, *help;
} counter_texts[METRICS_COUNTER_COUNT] = {
	[METRICS_RATE_LIMITED] = { "rate_limited",
		"Attempts refused by a rate limit." },
	[METRICS_DATABASE_ERRORS] = { "database_errors",
		"Statements that failed." },
	[METRICS_SLOW_REJECTED] = { "slow_rejected",
		"Slow work refused because too much was waiting." },
	[METRICS_SLOW_DROPPED] = { "slow_dropped",
		"Slow work left undone after waiting." },
	[METRICS_DEADLINES] = { "deadlines",
		"Connections ended because a request took too long." },
}, gauge_texts[METRICS_GAUGE_COUNT] = {
	[METRICS_CONNECTIONS] = { "connections", "Open connections." },
	[METRICS_IN_FLIGHT] = { "requests_in_flight",
		"Requests being read or answered." },
	[METRICS_SLOW_QUEUED] = { "slow_queued",
		"Slow work that waits or runs." },
	[METRICS_SESSIONS] = { "sessions",
		"Sessions of people logged in, by whichever portal." },
	[METRICS_MAILS_WAITING] = { "mails_waiting",
		"Mails that are not sent yet." },
};

static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx" };

const char *const metrics_content_type =
	"application/openmetrics-text; version=1.0.0; charset=utf-8";

static const char *build_version;
static const char *const *route_names;
static unsigned int routes_count;
static struct histogram durations[METRICS_ROUTES_MAX];
static atomic_uint_fast64_t statuses[sizeof(classes) / sizeof(classes[0])];
static atomic_uint_fast64_t counters[METRICS_COUNTER_COUNT];
static atomic_int_fast64_t gauges[METRICS_GAUGE_COUNT];

static void add(atomic_uint_fast64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t get(atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_init(const char *version, const char *const *routes,
		  unsigned int count)
{
	assert(count <= METRICS_ROUTES_MAX);
	build_version = version;
	route_names = routes;
	routes_count = count;
}

void metrics_count(enum metrics_counter counter)
{
	add(&counters[counter], 1);
}

void metrics_gauge_add(enum metrics_gauge gauge, int64_t change)
{
	atomic_fetch_add_explicit(&gauges[gauge], change,
				  memory_order_relaxed);
}

void metrics_gauge_set(enum metrics_gauge gauge, int64_t value)
{
	atomic_store_explicit(&gauges[gauge], value, memory_order_relaxed);
}

void metrics_request(unsigned int route, unsigned int status, uint64_t usecs)
{
	unsigned int i;

	if (status >= 100 && status < 600)
		add(&statuses[status / 100 - 1], 1);
	if (route >= routes_count)
		return;
	for (i = 0; i < BUCKETS && usecs > limits[i].usecs; i++)
		;
	add(&durations[route].buckets[i], 1);
	add(&durations[route].usecs, usecs);
}

static void render_head(struct buffer *out, const char *name, const char *type,
			const char *help)
{
	buffer_printf(out, "# TYPE pymailadmin_web_%s %s\n"
		      "# HELP pymailadmin_web_%s %s\n", name, type, name, help);
}

static void render_statuses(struct buffer *out)
{
	unsigned int i;

	render_head(out, "requests", "counter", "Answers by status.");
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		buffer_printf(out, "pymailadmin_web_requests_total"
			      "{status=\"%s\"} %"PRIu64"\n", classes[i],
			      get(&statuses[i]));
}

static void render_duration(struct buffer *out, unsigned int route)
{
	static const char name[] = "pymailadmin_web_request_duration_seconds";
	const char *path = route_names[route];
	uint64_t usecs, count = 0;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		count += get(&durations[route].buckets[i]);
		buffer_printf(out, "%s_bucket{route=\"%s\",le=\"%s\"} "
			      "%"PRIu64"\n", name, path, limits[i].text, count);
	}
	count += get(&durations[route].buckets[BUCKETS]);
	usecs = get(&durations[route].usecs);
	buffer_printf(out, "%s_bucket{route=\"%s\",le=\"+Inf\"} %"PRIu64"\n"
		      "%s_count{route=\"%s\"} %"PRIu64"\n"
		      "%s_sum{route=\"%s\"} %"PRIu64".%06"PRIu64"\n",
		      name, path, count, name, path, count, name, path,
		      usecs / 1000000, usecs % 1000000);
}

static void render_gauge(struct buffer *out, unsigned int gauge)
{
	const int64_t value = atomic_load_explicit(&gauges[gauge],
						   memory_order_relaxed);

	if (value == METRICS_UNKNOWN)
		return;
	render_head(out, gauge_texts[gauge].name, "gauge",
		    gauge_texts[gauge].help);
	buffer_printf(out, "pymailadmin_web_%s %"PRId64"\n",
		      gauge_texts[gauge].name, value);
}

void metrics_render(struct buffer *out)
{
	unsigned int i;

	render_statuses(out);
	render_head(out, "request_duration_seconds", "histogram",
		    "From a request's header to the end of its answer.");
	for (i = 0; i < routes_count; i++)
		render_duration(out, i);
	for (i = 0; i < METRICS_COUNTER_COUNT; i++) {
		render_head(out, counter_texts[i].name, "counter",
			    counter_texts[i].help);
		buffer_printf(out, "pymailadmin_web_%s_total %"PRIu64"\n",
			      counter_texts[i].name, get(&counters[i]));
	}
	for (i = 0; i < METRICS_GAUGE_COUNT; i++)
		render_gauge(out, i);
	render_head(out, "build", "info", "The program that runs.");
	buffer_printf(out, "pymailadmin_web_build_info{version=\"%s\"} 1\n"
		      "# EOF\n", build_version);
}
