#ifndef VIEWS_MAILBOX_H
#define VIEWS_MAILBOX_H

/* Views of one mailbox, and how its state is shown everywhere. */

#include "view-frame.h"

enum view_mailbox_status {
	VIEW_MAILBOX_OPEN,
	/* Closed, and nobody works on the change yet. */
	VIEW_MAILBOX_CHANGE_ASKED,
	VIEW_MAILBOX_CLOSED,
	/* An administrator of the mail host keeps it closed for a time. */
	VIEW_MAILBOX_MAINTENANCE,
	/* Open again, and stored mail is being encrypted anew. */
	VIEW_MAILBOX_ENCRYPTING,
	VIEW_MAILBOX_DELETION_SCHEDULED,
	VIEW_MAILBOX_CREATING,
	/* What was asked for last could not be done. */
	VIEW_MAILBOX_FAILED,
	/* An administrator has switched it off. */
	VIEW_MAILBOX_INACTIVE
};

struct view_mailbox_state {
	enum view_mailbox_status status;
	/* CHANGE_ASKED, CLOSED and MAINTENANCE: open again by then; 0 if that is
	   not known.
	   DELETION_SCHEDULED: deleted then. */
	uint64_t until;
	/* ENCRYPTING. */
	unsigned int percent;
	/* FAILED: why, and what to do, in the page's language. */
	const char *reason, *remedy;
};

struct view_alias {
	/* An opaque id, for addresses. */
	const char *id;
	const char *address;
};

struct view_event {
	uint64_t time;
	/* What happened, and who did it, in the page's language. */
	const char *text, *actor;
};

/* GET /mailbox */
struct view_mailbox {
	const char *address, *domain;
	struct view_mailbox_state state;
	/* In bytes; used only if it is known. */
	uint64_t quota, quota_used;
	bool is_quota_used_known;
	unsigned int quota_percent;
	/* For administrators, the owner's account, and whether they can give it
	   to another. */
	const char *owner;
	bool can_give;
	const struct view_alias *aliases;
	unsigned int aliases_count, aliases_max;
	bool can_add_alias, are_aliases_full;
	const struct view_event *events;
	unsigned int events_count;
	/* What may be asked for in this state. A super admin who does not know
	   the password may delete, but not change the password. */
	bool can_change_password, can_delete, can_cancel_deletion;
	/* Another request that nobody works on yet. */
	bool can_cancel;
	/* A change of its password goes on: /mailbox/window shows it. */
	bool can_watch;
};
void view_mailbox(struct buffer *out, const struct view_frame *frame,
		  const struct view_mailbox *v);

/* A limit on a new mailbox, a name or a password, said before it is met. */
struct view_limits {
	unsigned int name_min, name_max;
	unsigned int password_min, password_max;
	uint64_t quota_min, quota_max;
};

/* POST /mailbox/create: domain, name, quota, new, repeat. */
struct view_mailbox_create {
	const char *domain;
	/* As typed. */
	const char *name, *quota;
	struct view_limits limits;
	/* How many this account has, of how many it may have; 0: any number. */
	unsigned int mailboxes, mailboxes_max;
};
void view_mailbox_create(struct buffer *out, const struct view_frame *frame,
			 const struct view_mailbox_create *v);

/* POST /mailbox/password: address, old, new, repeat. */
struct view_mailbox_password {
	const char *address;
	struct view_limits limits;
	/* The longest time it will be closed. */
	uint64_t window_secs;
};
void view_mailbox_password(struct buffer *out, const struct view_frame *frame,
			   const struct view_mailbox_password *v);

/* GET /mailbox/window. The script fetches /mailbox/progress, whose JSON has
   the members state ("closed", "encrypting", "done", "failed"), done, total,
   percent, text (as progress below) and status (as the view says it), and loads
   the page again when state is another. */
struct view_mailbox_window {
	const char *address;
	enum {
		VIEW_WINDOW_CLOSED,
		VIEW_WINDOW_ENCRYPTING,
		VIEW_WINDOW_DONE,
		VIEW_WINDOW_FAILED
	} phase;
	/* CLOSED: 0 if that is not known. */
	uint64_t opens_at;
	/* 0 of 0 as long as they are not counted. */
	uint64_t mails_done, mails_total;
	unsigned int percent;
	/* 0 if that is not known. */
	uint64_t left_secs;
	/* POST /mailbox/cancel: address. */
	bool can_cancel;
	/* FAILED. */
	const char *reason, *remedy;
};
void view_mailbox_window(struct buffer *out, const struct view_frame *frame,
			 const struct view_mailbox_window *v);

/* POST /mailbox/delete: address, and password, the mailbox's, or, if it is by
   an administrator, typed, its address. */
struct view_mailbox_delete {
	const char *address;
	bool is_by_admin;
	/* What is lost. quota is in bytes; 0: no limit. */
	uint64_t quota;
	const struct view_alias *aliases;
	unsigned int aliases_count;
	/* All of them, and those that are too many for a page. */
	uint64_t aliases_total, aliases_more;
	uint64_t grace_secs;
};
void view_mailbox_delete(struct buffer *out, const struct view_frame *frame,
			 const struct view_mailbox_delete *v);

/* GET /mailbox/delete when it was asked for. POST /mailbox/delete/cancel:
   address. */
struct view_mailbox_deletion {
	const char *address;
	/* When it is deleted. */
	uint64_t when;
	uint64_t left_secs;
	bool can_cancel;
};
void view_mailbox_deletion(struct buffer *out, const struct view_frame *frame,
			   const struct view_mailbox_deletion *v);

#endif
