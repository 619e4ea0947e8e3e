/* A daemon like pymailadmin-web, with its server but other pages, for tests
   and measurements of the server itself:

     GET /page          4,096 bytes
     GET /slow?msecs=   answered after that time by a thread for slow work
     POST /form         says which fields it was sent, at most 16 KiB
     GET /headers       what the server made of the request's headers

   usage: serve-pages FILE, which is a settings file. */

#include "arena.h"
#include "http-listen.h"
#include "http-server.h"
#include "log.h"
#include "service.h"
#include "settings.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096
#define FORM_MAX (16 * 1024)

static char page_data[PAGE_SIZE];

static void refuse(struct http_exchange *exchange, unsigned int status)
{
	exchange->response.status = status;
	exchange->response.content_type = "text/plain; charset=utf-8";
	buffer_printf(&exchange->response.body, "%u\n", status);
}

static bool begin(struct http_exchange *exchange, size_t *body_max_r)
{
	static const char *const paths[] = {
		"/page", "/slow", "/form", "/headers"
	};
	unsigned int i;

	*body_max_r = FORM_MAX;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(exchange->request.path, paths[i]) == 0)
			return true;
	}
	refuse(exchange, 404);
	return false;
}

static void work(void *context)
{
	const char *msecs = context;

	(void)poll(NULL, 0, msecs == NULL ? 0 : (int)strtol(msecs, NULL, 10));
}

static enum http_step after_work(struct http_exchange *exchange)
{
	exchange->response.status = 200;
	exchange->response.content_type = "text/plain; charset=utf-8";
	buffer_append_str(&exchange->response.body, "done\n");
	return HTTP_STEP_DONE;
}

static enum http_step slow(struct http_exchange *exchange)
{
	const char *msecs = http_request_query(&exchange->request, "msecs");

	if (http_exchange_run_slow(exchange, work,
				   (void *)(uintptr_t)msecs, after_work))
		return HTTP_STEP_LATER;
	exchange->response.retry_after = 5;
	refuse(exchange, 503);
	return HTTP_STEP_DONE;
}

static void print_pairs(struct buffer *out, const char *kind,
			const struct http_pairs *pairs)
{
	size_t i;

	for (i = 0; i < pairs->count; i++)
		buffer_printf(out, "%s %s=%s\n", kind, pairs->pairs[i].name,
			      pairs->pairs[i].value);
}

static void print_request(struct http_exchange *exchange)
{
	const struct http_request *request = &exchange->request;
	struct buffer *out = &exchange->response.body;
	const char *session = NULL;
	const int cookies = http_request_cookie(request, "s", &session);

	print_pairs(out, "query", &request->query);
	print_pairs(out, "field", &request->form);
	buffer_printf(out, "client=%s\nsecure=%d\ncookie=%d:%s\n",
		      request->client_address, request->secure, cookies,
		      cookies == 1 ? session : "");
}

static enum http_step run(struct http_exchange *exchange)
{
	const char *path = exchange->request.path;

	if (strcmp(path, "/slow") == 0)
		return slow(exchange);
	exchange->response.status = 200;
	exchange->response.content_type = "text/plain; charset=utf-8";
	if (strcmp(path, "/page") == 0)
		buffer_append(&exchange->response.body, page_data, PAGE_SIZE);
	else
		print_request(exchange);
	return HTTP_STEP_DONE;
}

static void print_error(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "%s\n", text);
}

int main(int argc, char *argv[])
{
	static const struct http_site site = {
		.begin = begin, .run = run, .refuse = refuse
	};
	struct http_listener *listener = NULL;
	struct http_server *server = NULL;
	struct settings *set = NULL;
	const char *error = NULL;
	sigset_t signals;
	int received;

	memset(page_data, 'x', sizeof(page_data));
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	if (argc == 2)
		set = settings_read(argv[1], print_error, NULL);
	if (set == NULL)
		return 1;
	log_init((enum log_level)set->log_level);
	listener = http_listen(set->listen, &error);
	if (listener != NULL)
		server = http_server_start(set, &site, &listener, &error);
	if (server == NULL) {
		print_error(NULL, error);
		return 1;
	}
	service_notify("READY=1");
	(void)sigwait(&signals, &received);
	http_server_stop(&server);
	settings_free(&set);
	return 0;
}
