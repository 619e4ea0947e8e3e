#ifndef RATE_LIMIT_H
#define RATE_LIMIT_H

/* pymailadmin_rate_limit: token buckets, one row for each thing and subject,
   taken from in one statement by the database's clock. They survive a restart,
   hold for all portals on the database, and success does not fill them.
   Subjects are stored as keyed hashes. Conventions: account.h; whoever gets -1
   must refuse. */

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db;
struct secret_key;

struct rate_limit {
	/* How many at once ... */
	unsigned int burst;
	/* ... and the seconds in which an empty bucket fills. */
	unsigned int refill_secs;
};

/* "10/15m": burst, then a time in s, m, h or d. */
bool rate_limit_parse(const char *text, struct rate_limit *limit_r);

/* The network of an address, as a subject: IPv6 addresses by /64, for one
   customer has them all; IPv4 as they are, also as IPv6; others, "unix", as
   they are. In the arena. */
const char *rate_limit_network(struct arena *arena, const char *address);

/* Takes one of a subject's bucket. The name is a static word of ours of at most
   32 characters; e-mail addresses as subjects count without regard to case.
   Returns 1, or 0 if it is empty, with the seconds until there is one again in
   *retry_secs_r. Not to be called in a transaction: a rollback would give it
   back. */
int rate_limit_take(struct db *db, struct arena *arena,
		    const struct secret_key *key, const char *name,
		    const char *subject, const struct rate_limit *limit,
		    unsigned int *retry_secs_r, const char **error_r);

#endif
