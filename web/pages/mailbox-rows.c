#include "mailbox-rows.h"
#include "arena.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-mailbox-words.h"
#include "page.h"
#include "settings.h"
#include "views-list.h"

/* Few mailboxes have a request at a time, or had one that failed: those are
   looked at one by one, so that a list says the same of them as their own
   page. */
static int fill_state(struct page *page, const struct mailbox *mailbox,
		      struct view_mailbox_state *state_r, const char **error_r)
{
	struct mailbox_request *request = NULL;
	int ret = 0;

	if (mailbox->has_request || mailbox->has_failed)
		ret = mailbox_request_find(page->db, page->arena, page->account,
					   mailbox->address,
					   page->set->rekey_window_secs,
					   &request, error_r);
	if (ret < 0)
		return -1;
	mailbox_state_words(page, mailbox, ret > 0 ? request : NULL, state_r);
	return 0;
}

int mailbox_rows(struct page *page, const struct mailbox_list *list,
		 const struct view_mailbox_row **rows_r, const char **error_r)
{
	struct view_mailbox_row *rows =
		arena_new(page->arena, struct view_mailbox_row, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++) {
		rows[i].address = list->mailboxes[i].address;
		rows[i].quota = list->mailboxes[i].quota_bytes;
		rows[i].aliases = list->mailboxes[i].aliases;
		rows[i].owner = list->mailboxes[i].owner;
		if (fill_state(page, &list->mailboxes[i], &rows[i].state,
			       error_r) < 0)
			return -1;
	}
	*rows_r = rows;
	return 0;
}
