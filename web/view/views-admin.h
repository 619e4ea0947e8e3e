#ifndef VIEWS_ADMIN_H
#define VIEWS_ADMIN_H

/* Views that only administrators see. */

#include "views-mailbox.h"

enum view_request_kind {
	VIEW_REQUEST_PASSWORD,
	VIEW_REQUEST_CREATE,
	VIEW_REQUEST_DELETE,
	VIEW_REQUEST_ENCRYPT,
	VIEW_REQUEST_CLOSE
};

struct view_request_row {
	const char *address;
	/* Who asked, NULL: an administrator of the mail host. */
	const char *account;
	enum view_request_kind kind;
	/* Only reason and remedy, of one that has ended. */
	struct view_mailbox_state state;
	/* Why it waits, in the page's language; NULL if it does not. */
	const char *waiting;
	/* ended: 0 while it is open. */
	uint64_t asked, ended;
	const char *id;
	bool can_cancel, can_retry;
};

/* GET /requests. show ("failed") and after are its query; /requests/cancel
   wants address, /requests/retry id. */
struct view_requests {
	/* Those that ended in vain, else those that are open. */
	bool is_failed;
	const struct view_request_row *rows;
	unsigned int rows_count;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_requests(struct buffer *out, const struct view_frame *frame,
		   const struct view_requests *v);

struct view_events_kind {
	/* Its code, and what it is called. */
	const char *kind, *text;
	bool is_chosen;
};

struct view_events_row {
	uint64_t time;
	const char *text, *actor;
	/* NULL if there is none. */
	const char *address, *details;
};

/* GET /events. address, actor, kind, from and to (2026-11-24) and after are its
   query; NULL or "" for all. */
struct view_events {
	const char *address, *actor, *kind, *from, *to;
	bool is_filtered;
	/* from or to is no day: nothing was looked for. */
	bool is_wrong;
	const struct view_events_kind *kinds;
	unsigned int kinds_count;
	const struct view_events_row *rows;
	unsigned int rows_count;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_events(struct buffer *out, const struct view_frame *frame,
		 const struct view_events *v);

#endif
