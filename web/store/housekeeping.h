#ifndef HOUSEKEEPING_H
#define HOUSEKEEPING_H

/* Deletes what has expired of the portal's own: sessions, reset tokens, full
   buckets, mails that were sent, addresses reserved for what never came to be,
   registrations nobody confirmed; and reminds moderators of those that wait.
   And asks at start whether the tables are those this portal knows. */

#include <stdint.h>

struct arena;
struct db;

/* The least version of sql/ that will do. */
#define SCHEMA_VERSION_MIN 13

/* idle_secs as in session_load(). Deletes at most some thousand rows of each
   kind. Any number of portals may do it at once. If something fails the rest is
   done all the same. Returns 0, or -1 with the first error. */
int housekeeping_run(struct db *db, struct arena *arena, uint64_t idle_secs,
		     uint64_t *rows_r, const char **error_r);

/* Returns 1 if the tables are those this portal knows, 0 if not, with a text
   that says what to do, -1 on error. */
int schema_check(struct db *db, struct arena *arena, const char **error_r);

#endif
