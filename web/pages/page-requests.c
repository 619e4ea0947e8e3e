#include "page-requests.h"
#include "arena.h"
#include "bytes.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-frame.h"
#include "page-mailbox-words.h"
#include "page-notice.h"
#include "settings.h"
#include "views-admin.h"

#include <string.h>

static enum view_request_kind view_kind(enum request_kind kind)
{
	switch (kind) {
	case REQUEST_KIND_CREATE:
		return VIEW_REQUEST_CREATE;
	case REQUEST_KIND_DELETE:
		return VIEW_REQUEST_DELETE;
	case REQUEST_KIND_ENCRYPT:
		return VIEW_REQUEST_ENCRYPT;
	case REQUEST_KIND_CLOSE:
		return VIEW_REQUEST_CLOSE;
	case REQUEST_KIND_PASSWORD:
	case REQUEST_KIND_COUNT:
		break;
	}
	return VIEW_REQUEST_PASSWORD;
}

static void fill_row(struct page *page, const struct mailbox_request_row *from,
		     struct view_request_row *row)
{
	const struct mailbox_request *request = from->request;
	/* as far as the words of a request depend on it */
	const struct mailbox mailbox = {
		.exists = request->kind != REQUEST_KIND_CREATE ||
			request_state_is_final(request->state),
		.active = true,
	};

	row->address = from->address;
	row->account = from->account;
	row->kind = view_kind(request->kind);
	row->id = request->id;
	row->can_cancel = request->can_cancel;
	row->can_retry = request->can_retry;
	row->asked = request->created;
	row->ended = request->ended;
	row->waiting = request_waiting_words(page, request);
	if (request_state_is_final(request->state))
		request_failure_words(page, request->outcome,
				      &row->state.reason, &row->state.remedy);
	else
		mailbox_state_words(page, &mailbox, request, &row->state);
}

static int load(struct page *page, struct view_requests *v,
		const char **error_r)
{
	const enum mailbox_request_set set = v->is_failed ?
		MAILBOX_REQUESTS_FAILED : MAILBOX_REQUESTS_OPEN;
	const char *after = page_query(page, "after");
	struct mailbox_request_rows list;
	struct view_request_row *rows;
	bool more;
	size_t i;

	if (mailbox_request_list(page->db, page->arena, set, after,
				 page->set->rekey_window_secs, &list, &more,
				 error_r) < 0)
		return -1;
	rows = arena_new(page->arena, struct view_request_row, list.count + 1);
	for (i = 0; i < list.count; i++)
		fill_row(page, &list.rows[i], &rows[i]);
	v->rows = rows;
	v->rows_count = (unsigned int)list.count;
	v->next = more ? list.rows[list.count - 1].request->id : NULL;
	v->is_later_page = after[0] != '\0';
	return 0;
}

enum page_result page_requests(struct page *page)
{
	struct view_requests v = {
		.is_failed = strcmp(page_query(page, "show"), "failed") == 0,
	};
	const char *error;

	if (load(page, &v, &error) < 0)
		return page_failed(page, error);
	return page_show(page, view_requests, NULL, &v);
}

static enum page_result after_act(struct page *page, int ret,
				  enum page_notice notice, const char *error)
{
	if (ret < 0)
		return page_failed(page, error);
	page_notice_set(page, ret > 0 ? notice : PAGE_NOTICE_REQUEST_BEGUN,
			NULL, NULL);
	return page_redirect(page, "/requests");
}

enum page_result page_requests_cancel(struct page *page)
{
	const char *error = NULL;
	int ret;

	ret = mailbox_request_cancel(page->db, page->arena, page->account,
				     page_field(page, "address"), &error);
	return after_act(page, ret, PAGE_NOTICE_REQUEST_CANCELED, error);
}

enum page_result page_requests_retry(struct page *page)
{
	unsigned char bytes[SEAL_REQUEST_ID_LEN / 2];
	const char *id = page_field(page, "id"), *error = NULL;
	int ret;

	if (!bytes_from_hex(id, bytes, sizeof(bytes)))
		return page_error(page, 400);
	ret = mailbox_request_retry(page->db, page->arena, page->account, id,
				    &error);
	return after_act(page, ret, PAGE_NOTICE_REQUEST_RETRIED, error);
}
