#include "page-window.h"
#include "arena.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-mailbox-common.h"
#include "page-mailbox-words.h"
#include "views.h"

#include <string.h>

static void fill(struct page *page, const struct mailbox *mailbox,
		 const struct mailbox_request *request,
		 struct view_mailbox_window *v)
{
	memset(v, 0, sizeof(*v));
	v->address = mailbox->address;
	v->opens_at = request->window_opens;
	v->mails_done = request->mails_done;
	v->mails_total = request->mails_total;
	v->percent = request_percent(request);
	v->left_secs = request_left_secs(request);
	v->can_cancel = request->can_cancel;
	if (request->state == REQUEST_STATE_DONE)
		v->phase = VIEW_WINDOW_DONE;
	else if (request->window_closed)
		v->phase = VIEW_WINDOW_CLOSED;
	else if (request->state == REQUEST_STATE_REKEYING ||
		 request->state == REQUEST_STATE_STORING)
		v->phase = VIEW_WINDOW_ENCRYPTING;
	else
		v->phase = VIEW_WINDOW_FAILED;
	if (v->phase == VIEW_WINDOW_FAILED)
		request_failure_words(page, request_is_overdue(request) ?
				      "expired" : request->outcome,
				      &v->reason, &v->remedy);
}

/* Sets *request_r to NULL if no change of password is the newest request. */
static bool find(struct page *page, struct mailbox **mailbox_r,
		 struct mailbox_request **request_r,
		 enum page_result *result_r)
{
	if (!page_mailbox_find(page,
			       page_query(page, "address"),
			       mailbox_r, result_r) ||
	    !page_mailbox_find_request(page, *mailbox_r, request_r, result_r))
		return false;
	if (*request_r != NULL && (*request_r)->kind != REQUEST_KIND_PASSWORD)
		*request_r = NULL;
	return true;
}

enum page_result page_window(struct page *page)
{
	struct mailbox_request *request;
	struct view_mailbox_window v;
	struct page_notices notices = { 0 };
	struct mailbox *mailbox;
	enum page_result result;
	const char *error, *text;

	if (!find(page, &mailbox, &request, &result))
		return result;
	if (request == NULL)
		return page_mailbox_redirect(page, mailbox->address);
	fill(page, mailbox, request, &v);
	text = request_done_words(page, request);
	if (text == NULL)
		text = request_waiting_words(page, request);
	if (text != NULL)
		page_notices_add(&notices, VIEW_NOTICE_WARNING, text);
	if (!request_say_host(page, &notices, request, &error))
		return page_failed(page, error);
	return page_show_notices(page, view_mailbox_window, &notices, &v);
}

/* ---- JSON */

static const char *const phases[] = {
	[VIEW_WINDOW_CLOSED] = "closed",
	[VIEW_WINDOW_ENCRYPTING] = "encrypting",
	[VIEW_WINDOW_DONE] = "done",
	[VIEW_WINDOW_FAILED] = "failed",
};

static void json_text(struct buffer *out, const char *text)
{
	buffer_append_char(out, '"');
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '"' ||
		    *text == '\\' || *text == '<')
			buffer_printf(out, "\\u%04x", (unsigned char)*text);
		else
			buffer_append_char(out, *text);
	}
	buffer_append_char(out, '"');
}

static const char *progress_text(struct page *page,
				 const struct view_mailbox_window *v)
{
	const char *text, *left;

	text = v->mails_total == 0 ?
		language_text(page->arena, page->language,
			      MSG_window_preparing) :
		language_text(page->arena, page->language, MSG_window_mails,
			      LANGUAGE_NUMBER("done", v->mails_done),
			      LANGUAGE_NUMBER("total", v->mails_total));
	if (v->left_secs == 0)
		return text;
	left = language_text(page->arena, page->language, MSG_window_left,
			     LANGUAGE_DURATION("duration", v->left_secs));
	return arena_printf(page->arena, "%s %s", text, left);
}

static const char *status_text(struct page *page,
			       const struct view_mailbox_window *v)
{
	static const enum message titles[] = {
		[VIEW_WINDOW_CLOSED] = MSG_window_closed_title,
		[VIEW_WINDOW_ENCRYPTING] = MSG_window_encrypting_title,
		[VIEW_WINDOW_DONE] = MSG_window_done_title,
		[VIEW_WINDOW_FAILED] = MSG_window_failed_title,
	};

	return language_text(page->arena, page->language, titles[v->phase]);
}

enum page_result page_window_progress(struct page *page)
{
	struct buffer *body = &page->response->body;
	struct mailbox_request *request;
	struct view_mailbox_window v;
	struct mailbox *mailbox;
	enum page_result result;

	if (!find(page, &mailbox, &request, &result))
		return result;
	if (request == NULL)
		return page_error(page, 404);
	fill(page, mailbox, request, &v);
	buffer_printf(body, "{\"state\":\"%s\",\"done\":%llu,\"total\":%llu,"
		      "\"percent\":%u,\"text\":", phases[v.phase],
		      (unsigned long long)v.mails_done,
		      (unsigned long long)v.mails_total, v.percent);
	json_text(body, progress_text(page, &v));
	buffer_append_str(body, ",\"status\":");
	json_text(body, status_text(page, &v));
	buffer_append_str(body, "}\n");
	page->response->content_type = "application/json";
	return PAGE_DONE;
}
