#include "mailbox-rows.h"
#include "arena.h"
#include "mailbox.h"
#include "page.h"
#include "settings.h"
#include "views-list.h"

static enum view_mailbox_status password_status(const struct mailbox *mailbox)
{
	switch (mailbox->request_state) {
	case REQUEST_STATE_PENDING:
		return VIEW_MAILBOX_CHANGE_ASKED;
	case REQUEST_STATE_STORING:
		return VIEW_MAILBOX_ENCRYPTING;
	default:
		return VIEW_MAILBOX_CLOSED;
	}
}

static void set_state(const struct page *page, const struct mailbox *mailbox,
		      struct view_mailbox_state *state)
{
	state->status = mailbox->active ? VIEW_MAILBOX_OPEN :
		VIEW_MAILBOX_INACTIVE;
	if (!mailbox->has_request)
		return;
	switch (mailbox->request_kind) {
	case REQUEST_KIND_CREATE:
		state->status = VIEW_MAILBOX_CREATING;
		break;
	case REQUEST_KIND_DELETE:
		state->status = VIEW_MAILBOX_DELETION_SCHEDULED;
		state->until = mailbox->request_created +
			page->set->deletion_grace_secs;
		break;
	case REQUEST_KIND_PASSWORD:
		state->status = password_status(mailbox);
		state->until = mailbox->request_created +
			page->set->rekey_window_secs;
		break;
	default:
		break;
	}
}

struct view_mailbox_row *mailbox_rows(struct page *page,
				      const struct mailbox_list *list)
{
	struct view_mailbox_row *rows =
		arena_new(page->arena, struct view_mailbox_row, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++) {
		rows[i].address = list->mailboxes[i].address;
		rows[i].quota = list->mailboxes[i].quota_bytes;
		rows[i].aliases = list->mailboxes[i].aliases;
		rows[i].owner = list->mailboxes[i].owner;
		set_state(page, &list->mailboxes[i], &rows[i].state);
	}
	return rows;
}
