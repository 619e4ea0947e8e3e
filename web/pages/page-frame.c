#include "page-frame.h"
#include "account.h"
#include "arena.h"
#include "buffer.h"
#include "csrf.h"
#include "html.h"
#include "http-request.h"
#include "page-notice.h"
#include "session.h"
#include "settings.h"
#include "site.h"

#include <string.h>

void page_errors_add(struct page_errors *errors, const char *field,
		     const char *text)
{
	if (errors->count < PAGE_ERRORS_MAX)
		errors->errors[errors->count++] =
			(struct view_error){ .field = field, .text = text };
}

const char *page_field(const struct page *page, const char *name)
{
	const char *value = http_request_field(page->request, name);

	return value == NULL ? "" : value;
}

const char *page_query(const struct page *page, const char *name)
{
	const char *value = http_request_query(page->request, name);

	return value == NULL ? "" : value;
}

/* This page's address, to come back to. A link of a mail is not repeated. */
static const char *path_of(struct page *page)
{
	const struct http_pairs *query = &page->request->query;
	struct buffer path = BUFFER_INIT;
	const char *result;
	size_t i;

	if (page->request->method != HTTP_METHOD_GET ||
	    http_request_query(page->request, "token") != NULL)
		return NULL;
	buffer_append_str(&path, page->request->path);
	for (i = 0; i < query->count; i++) {
		buffer_append_char(&path, i == 0 ? '?' : '&');
		html_url(&path, query->pairs[i].name);
		buffer_append_char(&path, '=');
		html_url(&path, query->pairs[i].value);
	}
	result = arena_strdup(page->arena, buffer_str(&path));
	buffer_free(&path);
	return result;
}

static struct view_frame *frame_create(struct page *page)
{
	struct view_frame *frame = arena_new(page->arena, struct view_frame, 1);

	frame->language = page->language;
	frame->product = page->set->product_name;
	if (page->account != NULL) {
		frame->account = page->account->email;
		frame->is_moderator =
			page->account->role >= ACCOUNT_ROLE_ADMIN;
		frame->is_super_admin =
			page->account->role == ACCOUNT_ROLE_SUPER_ADMIN;
	}
	return frame;
}

static void set_csrf(struct page *page, struct view_frame *frame,
		     const unsigned char *key)
{
	char *token = arena_alloc(page->arena, CSRF_TOKEN_SIZE);

	csrf_token_make(key, SITE_CSRF_FORM, token);
	frame->csrf = token;
}

const struct view_frame *page_frame(struct page *page,
				    const struct page_errors *errors)
{
	struct view_frame *frame = frame_create(page);
	struct view_notice *notice = arena_new(page->arena, struct view_notice,
					       1);

	set_csrf(page, frame, site_csrf_key(page));
	frame->path = path_of(page);
	frame->notices = notice;
	frame->notices_count = page_notice_take(page, notice);
	if (errors != NULL && errors->count > 0) {
		frame->errors = errors->errors;
		frame->errors_count = errors->count;
	}
	return frame;
}

/* No cookies: there may be some already, and little else is known. */
const struct view_frame *page_frame_of_error(struct page *page)
{
	struct view_frame *frame = frame_create(page);

	if (page->session != NULL)
		set_csrf(page, frame, page->session->csrf_key);
	return frame;
}

enum page_result page_shown(struct page *page,
			    const struct page_errors *errors)
{
	page->response->content_type = PAGE_CONTENT_TYPE;
	if (errors != NULL && errors->count > 0)
		page->response->status = 422;
	return PAGE_DONE;
}
