#include "page.h"
#include "arena.h"
#include "http-server.h"
#include "log.h"
#include "page-site.h"
#include "routes.h"

#include <assert.h>
#include <time.h>

#define LOGIN_PATH "/login"
/* When too much waits. */
#define RETRY_SECS 5

static const struct settings *settings;

/* ---- what pages call */

enum page_result page_redirect(struct page *page, const char *location)
{
	page->response->status = 303;
	page->response->location = location;
	return PAGE_DONE;
}

enum page_result page_error(struct page *page, unsigned int status)
{
	buffer_free(&page->response->body);
	page->response->status = status;
	page->response->location = NULL;
	page->response->static_data = NULL;
	page->response->content_encoding = NULL;
	page->response->etag = NULL;
	page->response->cache = HTTP_CACHE_NONE;
	if (status == 503 && page->response->retry_after == 0)
		page->response->retry_after = RETRY_SECS;
	page_hooks.render_error(page);
	return PAGE_DONE;
}

enum page_result page_failed(struct page *page, const char *error)
{
	log_error(page->request->id, "%s", error);
	return page_error(page, page_hooks.database_is_away(page) ? 503 : 500);
}

void page_set_cookie(struct page *page, const char *value)
{
	assert(page->response->cookies_count < HTTP_COOKIES_MAX);
	page->response->cookies[page->response->cookies_count++] = value;
}

/* ---- what the server calls */

static struct page *page_create(struct http_exchange *exchange)
{
	struct arena *arena = exchange->request.arena;
	struct page *page = arena_new(arena, struct page, 1);

	page->exchange = exchange;
	page->request = &exchange->request;
	page->response = &exchange->response;
	page->arena = arena;
	page->set = settings;
	page->now = (uint64_t)time(NULL);
	exchange->context = page;
	page_hooks.begin(page);
	return page;
}

static enum http_step step_of(struct page *page, enum page_result result)
{
	if (result == PAGE_LATER)
		return HTTP_STEP_LATER;
	if (page->request->method == HTTP_METHOD_POST)
		page_hooks.end_form(page);
	return HTTP_STEP_DONE;
}

static bool begin(struct http_exchange *exchange, size_t *body_max_r)
{
	struct page *page = page_create(exchange);
	const struct route *route = routes_find(page->request->path);

	if (route == NULL) {
		(void)page_error(page, 404);
		return false;
	}
	exchange->route = (unsigned int)(route - routes);
	page->route = route;
	if ((route->methods & page->request->method) == 0) {
		page->response->allow = route_allow(route);
		(void)page_error(page, 405);
		return false;
	}
	*body_max_r = route->body_max;
	return true;
}

/* Who is not logged in is asked to; who may not see the page learns no more
   than of any other page that is not there. */
static enum page_result call_handler(struct page *page)
{
	const struct route *route = page->route;
	const char *error = NULL, *path;

	if (!route->without_session)
		error = page_hooks.load_session(page);
	if (error != NULL)
		return page_failed(page, error);
	if (route->role > ROUTE_ROLE_ANYONE && page->account == NULL)
		return page_redirect(page, LOGIN_PATH);
	if (route->role > ROUTE_ROLE_ANYONE &&
	    !page_hooks.has_role(page, route->role))
		return page_error(page, 404);
	if (!route->without_session &&
	    (path = page_hooks.detour(page)) != NULL)
		return page_redirect(page, path);
	if (page->request->method == HTTP_METHOD_POST &&
	    !route->without_csrf && !page_hooks.csrf_is_valid(page))
		return page_error(page, 403);
	return route->handler(page);
}

static enum http_step run(struct http_exchange *exchange)
{
	struct page *page = exchange->context;

	page->response->status = 200;
	if (page->request->method == HTTP_METHOD_HEAD)
		page->request->method = HTTP_METHOD_GET;
	return step_of(page, call_handler(page));
}

static void refuse(struct http_exchange *exchange, unsigned int status)
{
	struct page *page = exchange->context;

	if (page == NULL)
		page = page_create(exchange);
	(void)page_error(page, status);
}

const struct http_site page_site = {
	.begin = begin, .run = run, .refuse = refuse
};

void page_site_init(const struct settings *set)
{
	settings = set;
}

/* ---- slow work */

static enum http_step continue_page(struct http_exchange *exchange)
{
	struct page *page = exchange->context;

	return step_of(page, page->then(page));
}

enum page_result page_run_slow(struct page *page, void (*slow)(void *context),
			       page_handler_t *then)
{
	page->then = then;
	if (!http_exchange_run_slow(page->exchange, slow, page->context,
				    continue_page))
		return page_error(page, 503);
	return PAGE_LATER;
}
