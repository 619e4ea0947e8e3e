#ifndef PAGE_FRAME_H
#define PAGE_FRAME_H

/* How pages show their views:

	struct page_errors errors = { .count = 0 };

	if (code[0] == '\0')
		page_errors_add(&errors, "code", language_text(page->arena,
			page->language, MSG_wrong_code));
	return page_show(page, view_login_code, &errors, &v); */

#include "language.h"
#include "page.h"
#include "view-frame.h"

#include <stdbool.h>
#include <stddef.h>

#define PAGE_CONTENT_TYPE "text/html; charset=utf-8"
#define PAGE_ERRORS_MAX 8

/* What is wrong with a form. */
struct page_errors {
	struct view_error errors[PAGE_ERRORS_MAX];
	unsigned int count;
};

/* field is NULL if it is about none; the text is in the page's language and in
   its arena. No more than PAGE_ERRORS_MAX are kept. */
void page_errors_add(struct page_errors *errors, const char *field,
		     const char *text);

/* Shows a view, with status 422 if there are errors; those may be NULL. */
#define page_show(page, view, errors, v) \
	(view(&(page)->response->body, page_frame(page, errors), v), \
	 page_shown(page, errors))

/* A form's field, "" if it was not sent; and the query's, likewise. */
const char *page_field(const struct page *page, const char *name);
const char *page_query(const struct page *page, const char *name);

/* What page_show() and error pages are made of. */
const struct view_frame *page_frame(struct page *page,
				    const struct page_errors *errors);
enum page_result page_shown(struct page *page,
			    const struct page_errors *errors);
const struct view_frame *page_frame_of_error(struct page *page);

#endif
