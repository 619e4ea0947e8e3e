/* Stands in for the parts that know accounts and texts, until they are there:
   nobody is logged in, and error pages are one line. */

#include "http-request.h"
#include "page-site.h"
#include "page.h"

#include <stddef.h>

static void begin(struct page *page)
{
	(void)page;
}

static const char *load_session(struct page *page)
{
	(void)page;
	return NULL;
}

static bool has_role(const struct page *page, enum route_role role)
{
	(void)page; (void)role;
	return false;
}

static bool csrf_is_valid(const struct page *page)
{
	(void)page;
	return false;
}

static void render_error(struct page *page)
{
	page->response->content_type = "text/plain; charset=utf-8";
	buffer_printf(&page->response->body, "%u (%s)\n",
		      page->response->status, page->request->id);
}

static bool database_is_away(const struct page *page)
{
	(void)page;
	return false;
}

static bool is_ready(void)
{
	return true;
}

const struct page_hooks page_hooks = {
	.begin = begin,
	.load_session = load_session,
	.has_role = has_role,
	.csrf_is_valid = csrf_is_valid,
	.render_error = render_error,
	.database_is_away = database_is_away,
	.is_ready = is_ready,
};
