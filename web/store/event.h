#ifndef EVENT_H
#define EVENT_H

/* pymailadmin_event: who did what, when. Only ever added to. Conventions:
   account.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_PAGE_SIZE 50

struct account;
struct arena;
struct db;

struct event {
	uint64_t id, created;
	/* An account's e-mail address, or a program. */
	const char *actor;
	/* The mailbox, or NULL: it is about the account. */
	const char *address;
	/* Code, as "password-done", "alias-add", "login-failed"; at most 32
	   ASCII characters. */
	const char *kind;
	/* NULL if it belongs to none. */
	const char *request_id;
	/* For the administrator, never a secret; cut at 500 characters. May be
	   NULL when adding. */
	const char *text;
	/* Only administrators see it. */
	bool hidden;
};

struct event_list {
	struct event *events;
	size_t count;
};

/* Which are wanted; NULL or 0: it does not matter. Seconds since the epoch, to
   is not one of them. before: the last id of the page before. */
struct event_filter {
	const char *address, *actor, *kind;
	uint64_t from, to, before;
};

/* Returns 0. id and created are not looked at. */
int event_add(struct db *db, struct arena *arena, const struct event *event,
	      const char **error_r);
/* About the account itself, done by it. text may be NULL. Returns 0. */
int event_add_account(struct db *db, struct arena *arena, uint64_t account_id,
		      const char *kind, const char *text,
		      const char **error_r);
/* Of a mailbox that the account may see (mailbox_find() first), newest first; a
   super admin also sees hidden ones. Returns 0. */
int event_list(struct db *db, struct arena *arena,
	       const struct account *account, const char *address,
	       unsigned int limit, struct event_list *list_r,
	       const char **error_r);
/* A page of all there are, hidden ones too, for super admins, newest first.
   more_r says whether others follow. Returns 0. */
int event_search(struct db *db, struct arena *arena,
		 const struct event_filter *filter, struct event_list *list_r,
		 bool *more_r, const char **error_r);
/* What an account did to mailboxes, or asked for them since it was made, newest
   first; for a super admin. Returns 0. */
int event_list_acts(struct db *db, struct arena *arena, const char *email,
		    unsigned int limit, struct event_list *list_r,
		    const char **error_r);

#endif
