#include "page-requests.h"
#include "arena.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-frame.h"
#include "page-mailbox-words.h"
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
