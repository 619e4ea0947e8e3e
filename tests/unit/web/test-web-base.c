/* Work queue, metrics, text and what systemd is told. */

#include "web-test.h"

#include "arena.h"
#include "buffer.h"
#include "clock.h"
#include "metrics.h"
#include "service.h"
#include "text.h"
#include "work-queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct job {
	struct work work;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool may_end, unwanted;
	bool started, ended;
	enum work_end end;
};

static void set_flag(struct job *job, bool *flag)
{
	(void)pthread_mutex_lock(&job->lock);
	*flag = true;
	(void)pthread_cond_broadcast(&job->changed);
	(void)pthread_mutex_unlock(&job->lock);
}

static void wait_flag(struct job *job, const bool *flag)
{
	(void)pthread_mutex_lock(&job->lock);
	while (!*flag)
		(void)pthread_cond_wait(&job->changed, &job->lock);
	(void)pthread_mutex_unlock(&job->lock);
}

static bool job_wanted(void *context)
{
	struct job *job = context;

	return !job->unwanted;
}

static void job_run(void *context)
{
	struct job *job = context;

	set_flag(job, &job->started);
	wait_flag(job, &job->may_end);
}

static void job_ended(void *context, enum work_end end)
{
	struct job *job = context;

	job->end = end;
	set_flag(job, &job->ended);
}

static void job_init(struct job *job)
{
	memset(job, 0, sizeof(*job));
	(void)pthread_mutex_init(&job->lock, NULL);
	(void)pthread_cond_init(&job->changed, NULL);
	job->work = (struct work){
		.wanted = job_wanted, .run = job_run, .ended = job_ended,
		.context = job
	};
}

static void push(struct work_queue *queue, struct job *job)
{
	assert_true(work_queue_reserve(queue));
	work_queue_push(queue, &job->work);
}

static void test_work_is_bounded(void **state)
{
	struct work_queue *queue;
	struct job jobs[3];
	const char *error;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(jobs); i++)
		job_init(&jobs[i]);
	jobs[2].unwanted = true;
	queue = work_queue_create(1, 2, 60000, &error);
	assert_non_null(queue);
	for (i = 0; i < N_ELEMENTS(jobs); i++)
		push(queue, &jobs[i]);
	wait_flag(&jobs[0], &jobs[0].started);
	assert_false(work_queue_reserve(queue));
	assert_false(jobs[1].started);
	for (i = 0; i < N_ELEMENTS(jobs); i++)
		set_flag(&jobs[i], &jobs[i].may_end);
	for (i = 0; i < N_ELEMENTS(jobs); i++)
		wait_flag(&jobs[i], &jobs[i].ended);
	assert_int_equal(jobs[0].end, WORK_DONE);
	assert_int_equal(jobs[1].end, WORK_DONE);
	assert_int_equal(jobs[2].end, WORK_UNWANTED);
	assert_false(jobs[2].started);
	assert_true(work_queue_reserve(queue));
	work_queue_push(queue, &jobs[0].work);
	work_queue_free(&queue);
	assert_null(queue);
}

static void test_work_that_waited_too_long(void **state)
{
	struct work_queue *queue;
	struct job first, second;
	uint64_t start;
	const char *error;

	(void)state;
	job_init(&first);
	job_init(&second);
	queue = work_queue_create(1, 2, 1, &error);
	assert_non_null(queue);
	push(queue, &first);
	push(queue, &second);
	start = clock_msecs();
	while (clock_msecs() < start + 3)
		;
	set_flag(&first, &first.may_end);
	wait_flag(&second, &second.ended);
	assert_int_equal(second.end, WORK_LATE);
	assert_false(second.started);
	work_queue_free(&queue);
}

static void test_stopped_queue_ends_all(void **state)
{
	struct work_queue *queue;
	struct job first, second;
	const char *error;

	(void)state;
	job_init(&first);
	job_init(&second);
	queue = work_queue_create(2, 2, 60000, &error);
	assert_non_null(queue);
	set_flag(&first, &first.may_end);
	set_flag(&second, &second.may_end);
	push(queue, &first);
	push(queue, &second);
	work_queue_stop(queue);
	assert_true(first.ended);
	assert_true(second.ended);
	assert_false(work_queue_reserve(queue));
	work_queue_free(&queue);
}

static void test_metrics(void **state)
{
	static const char *const names[] = { "/", "/home" };
	struct buffer out = BUFFER_INIT;

	(void)state;
	metrics_init("1.2.3", names, N_ELEMENTS(names));
	metrics_request(1, 200, 900);
	metrics_request(1, 404, 1000001);
	metrics_request(1, 503, 9000000);
	metrics_request(METRICS_ROUTES_MAX, 400, 1);
	metrics_request(METRICS_ROUTES_MAX, 0, 1);
	metrics_count(METRICS_RATE_LIMITED);
	metrics_gauge_add(METRICS_IN_FLIGHT, 3);
	metrics_gauge_add(METRICS_IN_FLIGHT, -1);
	metrics_gauge_set(METRICS_SESSIONS, 7);
	metrics_gauge_set(METRICS_MAILS_WAITING, METRICS_UNKNOWN);
	metrics_render(&out);
#define HAS(text) assert_non_null(strstr(buffer_str(&out), text "\n"))
	HAS("pymailadmin_web_requests_total{status=\"2xx\"} 1");
	HAS("pymailadmin_web_requests_total{status=\"4xx\"} 2");
	HAS("pymailadmin_web_request_duration_seconds_bucket"
	    "{route=\"/home\",le=\"0.001\"} 1");
	HAS("pymailadmin_web_request_duration_seconds_bucket"
	    "{route=\"/home\",le=\"1.0\"} 1");
	HAS("pymailadmin_web_request_duration_seconds_bucket"
	    "{route=\"/home\",le=\"5.0\"} 2");
	HAS("pymailadmin_web_request_duration_seconds_bucket"
	    "{route=\"/home\",le=\"+Inf\"} 3");
	HAS("pymailadmin_web_request_duration_seconds_count"
	    "{route=\"/home\"} 3");
	HAS("pymailadmin_web_request_duration_seconds_sum"
	    "{route=\"/home\"} 10.000901");
	HAS("pymailadmin_web_rate_limited_total 1");
	HAS("pymailadmin_web_requests_in_flight 2");
	HAS("pymailadmin_web_sessions 7");
	assert_null(strstr(buffer_str(&out), "mails_waiting"));
	HAS("pymailadmin_web_build_info{version=\"1.2.3\"} 1");
	assert_string_equal(out.data + out.size - 6, "# EOF\n");
	buffer_free(&out);
}

static void test_text(void **state)
{
	(void)state;
	assert_true(text_is_line("", 0));
	assert_true(text_is_line("caf\xc3\xa9", 5));
	assert_false(text_is_line("caf\xc3\xa9", 4));
	assert_false(text_is_line("a\nb", 3));
	assert_true(text_is_lines("a\n\tb", 4));
	assert_false(text_is_lines("a\rb", 3));
	assert_false(text_is_lines("a\0b", 3));
	assert_false(text_is_line("\xc2\x9f", 2));
	assert_true(text_is_line("\xc2\xa0", 2));
	assert_true(text_is_line("\xf4\x8f\xbf\xbf", 4));
	assert_false(text_is_line("\xf8\x88\x80\x80\x80", 5));
}

static void test_service(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[64], pid[16];
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t size;

	(void)state;
	assert_true(fd >= 0);
	(void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
		       "test-web-base.%ld", (long)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(sizeof(address.sun_family) + 1 +
					  strlen(address.sun_path + 1))), 0);
	/* nowhere, and then there */
	service_notify("READY=1");
	(void)snprintf(text, sizeof(text), "@%s", address.sun_path + 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", text, 1), 0);
	service_notify("READY=1");
	size = recv(fd, text, sizeof(text) - 1, 0);
	assert_int_equal(size, 7);
	assert_memory_equal(text, "READY=1", 7);
	(void)close(fd);

	assert_int_equal(service_watchdog_msecs(), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	assert_int_equal(service_watchdog_msecs(), 15000);
	assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
	assert_int_equal(service_watchdog_msecs(), 0);

	assert_int_equal(service_listen_fds(), 0);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
	assert_int_equal(service_listen_fds(), 1);
	assert_null(getenv("LISTEN_FDS"));
	assert_int_equal(service_listen_fds(), 0);
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_PID", "1", 1), 0);
	assert_int_equal(service_listen_fds(), 0);
}

static void test_arena_is_used_again(void **state)
{
	struct arena *arena = *state;
	char *first, *again;

	arena_reset(arena);
	first = arena_strdup(arena, "a secret");
	arena_reset(arena);
	assert_int_equal(first[0], 0);
	again = arena_alloc(arena, 16);
	assert_ptr_equal(again, first);
	assert_memory_equal(again, "\0\0\0\0\0\0\0\0\0", 9);

	/* more than it keeps: what stays is the newest */
	again = arena_alloc(arena, 100000);
	memset(again, 1, 100000);
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 100000), again);
	assert_int_equal(again[0] | again[99999], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(test_arena_is_used_again),
		cmocka_unit_test(test_work_is_bounded),
		cmocka_unit_test(test_work_that_waited_too_long),
		cmocka_unit_test(test_stopped_queue_ends_all),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
