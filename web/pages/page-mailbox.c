#include "page-mailbox.h"
#include "account.h"
#include "alias.h"
#include "arena.h"
#include "event.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-mailbox-common.h"
#include "page-mailbox-words.h"
#include "page-notice.h"
#include "settings.h"
#include "views.h"

#include <string.h>

#define EVENTS_MAX 20

static void fill_events(struct page *page, const struct event_list *events,
			struct view_mailbox *v)
{
	struct view_event *shown =
		arena_new(page->arena, struct view_event, events->count + 1);
	struct view_event *next = shown;
	size_t i;

	for (i = 0; i < events->count; i++) {
		next->time = events->events[i].created;
		event_words(page, &events->events[i], &next->text,
			    &next->actor);
		if (next->text != NULL)
			next++;
	}
	v->events = shown;
	v->events_count = (unsigned int)(next - shown);
}

static void fill_aliases(struct page *page, const struct mailbox *mailbox,
			 const struct alias_list *aliases,
			 struct view_mailbox *v)
{
	struct view_alias *shown =
		arena_new(page->arena, struct view_alias, aliases->count + 1);
	const bool may_add = mailbox->exists &&
		!(page_mailbox_is_busy(mailbox) &&
		  mailbox->request_kind != REQUEST_KIND_PASSWORD);
	size_t i;

	for (i = 0; i < aliases->count; i++) {
		shown[i].id = aliases->aliases[i].id;
		shown[i].address = aliases->aliases[i].source;
	}
	v->aliases = shown;
	v->aliases_count = (unsigned int)aliases->count;
	v->aliases_max = page_mailbox_max_aliases(page);
	v->are_aliases_full = v->aliases_max > 0 &&
		v->aliases_count >= v->aliases_max;
	v->can_add_alias = may_add && !v->are_aliases_full;
}

static void fill_mailbox(struct page *page, const struct mailbox *mailbox,
			 const struct mailbox_request *request,
			 struct view_mailbox *v)
{
	const bool is_free = mailbox->exists && !page_mailbox_is_busy(mailbox);

	v->address = mailbox->address;
	v->domain = mailbox->domain;
	v->quota = mailbox->quota_bytes;
	if (page_mailbox_is_super_admin(page))
		v->owner = mailbox->owner != NULL ? mailbox->owner :
			language_text(page->arena, page->language,
				      MSG_owner_none);
	v->can_give = v->owner != NULL && mailbox->exists;
	mailbox_state_words(page, mailbox, request, &v->state);
	v->can_change_password = is_free && mailbox->active && mailbox->is_own;
	v->can_delete = is_free;
	v->can_watch = request != NULL &&
		request->kind == REQUEST_KIND_PASSWORD &&
		!request_state_is_final(request->state);
	if (request != NULL && request->can_cancel) {
		v->can_cancel_deletion = request->kind == REQUEST_KIND_DELETE;
		v->can_cancel = !v->can_cancel_deletion;
	}
}

enum page_result page_mailbox(struct page *page)
{
	struct page_notices notices = { 0 };
	struct mailbox_request *request;
	struct view_mailbox v = { 0 };
	struct alias_list aliases;
	struct event_list events;
	struct mailbox *mailbox;
	enum page_result result;
	const char *error;

	if (!page_mailbox_find(page,
			       page_query(page, "address"),
			       &mailbox, &result) ||
	    !page_mailbox_find_request(page, mailbox, &request, &result))
		return result;
	if (alias_list(page->db, page->arena, mailbox->address, &aliases,
		       &error) < 0 ||
	    event_list(page->db, page->arena, page->account, mailbox->address,
		       EVENTS_MAX, &events, &error) < 0 ||
	    !request_say_host(page, &notices, request, &error))
		return page_failed(page, error);
	fill_mailbox(page, mailbox, request, &v);
	fill_aliases(page, mailbox, &aliases, &v);
	fill_events(page, &events, &v);
	return page_show_notices(page, view_mailbox, &notices, &v);
}

/* ---- canceling */

static enum page_notice canceled_notice(enum request_kind kind)
{
	switch (kind) {
	case REQUEST_KIND_PASSWORD:
		return PAGE_NOTICE_PASSWORD_CANCELED;
	case REQUEST_KIND_CREATE:
		return PAGE_NOTICE_CREATION_CANCELED;
	case REQUEST_KIND_DELETE:
		return PAGE_NOTICE_DELETION_CANCELED;
	case REQUEST_KIND_ENCRYPT:
	case REQUEST_KIND_CLOSE:
	case REQUEST_KIND_COUNT:
		break;
	}
	return PAGE_NOTICE_NONE;
}

static enum page_result cancel(struct page *page, bool deletion)
{
	struct mailbox_request *request;
	struct mailbox *mailbox;
	enum page_result result;
	const char *error;
	int ret;

	if (!page_mailbox_find(page, page_field(page, "address"),
			       &mailbox, &result) ||
	    !page_mailbox_find_request(page, mailbox, &request, &result))
		return result;
	/* of what is not there any more, the mailbox's page tells */
	if (request == NULL || !request->can_cancel ||
	    (request->kind == REQUEST_KIND_DELETE) != deletion)
		return page_mailbox_redirect(page, mailbox->address);
	ret = mailbox_request_cancel(page->db, page->arena, page->account,
				     mailbox->address, &error);
	if (ret < 0)
		return page_failed(page, error);
	/* else somebody has begun to work on it, or taken it back before */
	if (ret > 0)
		page_notice_set(page, canceled_notice(request->kind),
				mailbox->address, NULL);
	return mailbox->exists ?
		page_mailbox_redirect(page, mailbox->address) :
		page_redirect(page, "/home");
}

enum page_result page_mailbox_delete_cancel(struct page *page)
{
	return cancel(page, true);
}

enum page_result page_mailbox_cancel(struct page *page)
{
	return cancel(page, false);
}
