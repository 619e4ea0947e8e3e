#ifndef USER_LOOKUP_H
#define USER_LOOKUP_H

/* The mail user of a mailbox, opened as whoever changes its keys does: also
   while the mailbox is closed, without the mailbox lock and the key guard. */

struct mail_storage_service_ctx;
struct mail_user;

/* Returns 1 if opened, with the privileges of the user from then on, 0 if
   there is no such user, -1 on error. Privileges are to be restored in any
   case. */
int user_lookup(struct mail_storage_service_ctx *storage_service,
		struct event *event_parent, const char *username,
		struct mail_user **user_r, const char **error_r);

#endif
