#ifndef NOTIFY_H
#define NOTIFY_H

/* A thread that sends the mails of pymailadmin_outbox, one after the other.

   A mail is taken by a conditional update, for longer than sending it may last,
   so that no two portals send it at once. That it was sent is written down
   before another is taken, however long the database is away. What cannot be sent is tried again,
   ever more rarely. */

#include <stdbool.h>

struct db_settings;
struct settings;

/* How long the link of a mail about a forgotten password works. */
#define NOTIFY_RESET_SECS 3600
/* And that of the mail about a new account, which nobody waits for. */
#define NOTIFY_FIRST_SECS (48 * 3600)

/* Signals have to be blocked; all are to outlive it. Returns 0, or -1 with a
   static text. */
int notify_start(const struct settings *set, const struct db_settings *db_set,
		 const char **error_r);
/* Takes a few seconds at most. What was asked for by notify_reset() is written
   to the database first. */
void notify_stop(void);

/* Has a mail sent to an account, if there is one of this e-mail address, and
   returns at once. Returns false if too many wait. Any thread. */
bool notify_reset(const char *email);

#endif
