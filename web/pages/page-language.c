#include "page-language.h"
#include "account.h"
#include "arena.h"
#include "language.h"
#include "page-frame.h"
#include "routes.h"
#include "site-cookie.h"

#include <string.h>

#define COOKIE_SECS (365U * 24 * 3600)

/* A page of ours that can be asked for; what is not, is not gone to. */
static const char *return_path(struct page *page)
{
	const char *path = page_field(page, "return"), *p;
	char *without_query;
	const struct route *route;

	for (p = path; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || *p == '\\')
			return "/";
	}
	without_query = arena_strndup(page->arena, path, strcspn(path, "?#"));
	route = routes_find(without_query);
	return route == NULL || (route->methods & HTTP_METHOD_GET) == 0 ?
		"/" : path;
}

/* Kept by the browser too: it is the language of the log-in page. */
enum page_result page_language(struct page *page)
{
	const struct language *language =
		language_find(page_field(page, "language"));
	const char *error;

	if (language == NULL)
		return page_error(page, 400);
	if (page->account != NULL &&
	    account_set_language(page->db, page->arena, page->account->id,
				 language->code, &error) < 0)
		return page_failed(page, error);
	site_cookie_set(page, SITE_COOKIE_LANGUAGE, language->code,
			COOKIE_SECS);
	return page_redirect(page, return_path(page));
}
