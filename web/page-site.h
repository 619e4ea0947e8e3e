#ifndef PAGE_SITE_H
#define PAGE_SITE_H

/* The pages, as the server sees them. */

#include "routes.h"

#include <stdbool.h>

struct http_site;
struct page;
struct settings;

/* What the dispatcher needs of the parts that know accounts and texts. All
   except is_ready() and measure() are called by the threads of the server, in a
   request. */
struct page_hooks {
	/* Before anything else, of refused requests too: sets page->language,
	   by the browser's word. Cannot fail. */
	void (*begin)(struct page *page);
	/* Sets session and account of the request's cookie and, with them, the
	   language. Without a valid one they remain NULL. Returns NULL, or the
	   error to call page_failed() with. */
	const char *(*load_session)(struct page *page);
	/* Whether the account may see pages of this role; it is not NULL, and
	   the role is not ROUTE_ROLE_ANYONE. */
	bool (*has_role)(const struct page *page, enum route_role role);
	/* The path of what the account has to do before it may see this page;
	   NULL if there is nothing. */
	const char *(*detour)(const struct page *page);
	/* Whether the field "csrf" of the form is this session's, or this
	   browser's if nobody is logged in. */
	bool (*csrf_is_valid)(const struct page *page);
	/* After a form was dealt with, however that ended. */
	void (*end_form)(struct page *page);
	/* Fills in the response of an error page, but for its status, which is
	   set. */
	void (*render_error)(struct page *page);
	/* The last error was that the database cannot be reached. */
	bool (*database_is_away)(const struct page *page);
	/* Whether requests can be served now, for /healthz. Called by a thread
	   of its own. */
	bool (*is_ready)(void);
	/* Sets the metrics that are in the database, for /metrics. Called by
	   the same thread. */
	void (*measure)(void);
};

extern const struct page_hooks page_hooks;

/* Before the server is started. */
void page_site_init(const struct settings *set);
extern const struct http_site page_site;

#endif
