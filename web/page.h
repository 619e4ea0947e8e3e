#ifndef PAGE_H
#define PAGE_H

/* What a page is given, and what it answers with. Pages run in the threads of
   the server, which have others to serve: what takes longer than a few
   milliseconds (a password hash) is left to page_run_slow(). */

#include "http-request.h"
#include "http-response.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct arena;
struct db;
struct http_exchange;
struct language;
struct route;
struct session;
struct settings;

enum page_result {
	/* The response is complete. */
	PAGE_DONE,
	/* page_run_slow() was called. */
	PAGE_LATER
};

struct page {
	struct http_request *request;
	struct http_response *response;
	/* The request's. */
	struct arena *arena;
	const struct settings *set;
	/* This thread's connection to the database. */
	struct db *db;
	/* Of the page's texts; never NULL. */
	const struct language *language;
	/* Who is logged in; NULL if nobody is. */
	const struct session *session;
	const struct account *account;
	/* Whose password was given and whose code is awaited: not logged in
	   yet, account is NULL. */
	const struct account *pending_account;
	/* Seconds since the epoch, by this host's clock: for showing times, not
	   for deciding, which the database's clock does. */
	uint64_t now;
	/* The page's own, for what page_run_slow() continues with. */
	void *context;

	/* private to the dispatcher */
	struct http_exchange *exchange;
	const struct route *route;
	enum page_result (*then)(struct page *page);
};

typedef enum page_result page_handler_t(struct page *page);

/* To be returned by a handler: slow(page->context) is run by another thread,
   which may touch nothing but the context, and then the page goes on with
   then(page). If too many wait already, the page is answered 503 instead, and
   neither is called; so it is if the turn does not come in time. */
enum page_result page_run_slow(struct page *page, void (*slow)(void *context),
			       page_handler_t *then);

/* 303 to a path of ours, which may have a query string. */
enum page_result page_redirect(struct page *page, const char *location);
/* The error page of a status, in the page's language. Whoever calls it has
   logged the cause, if there is one to know. */
enum page_result page_error(struct page *page, unsigned int status);
/* Logs "action(object) failed: reason" for the administrator and answers with
   the error page of status 500 or, if the database is away, 503. */
enum page_result page_failed(struct page *page, const char *error);
/* A header "Set-Cookie"; the value is in the arena. */
void page_set_cookie(struct page *page, const char *value);

#endif
