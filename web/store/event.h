#ifndef EVENT_H
#define EVENT_H

/* pymailadmin_event: who did what, when. Only ever added to. Conventions:
   account.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct arena;
struct db;

struct event {
	uint64_t created;
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

/* Returns 0. created is not looked at. */
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
/* Of the account itself: what it did, not about mailboxes; newest first. */
int event_list_account(struct db *db, struct arena *arena,
		       const struct account *account, unsigned int limit,
		       struct event_list *list_r, const char **error_r);
/* What an account did to mailboxes, or asked for them, newest first; for a
   super admin. Returns 0. */
int event_list_acts(struct db *db, struct arena *arena, const char *email,
		    unsigned int limit, struct event_list *list_r,
		    const char **error_r);

#endif
