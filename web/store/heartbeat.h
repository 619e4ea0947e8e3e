#ifndef HEARTBEAT_H
#define HEARTBEAT_H

/* pymailadmin_heartbeat: does a mail host look for requests? Conventions:
   account.h. */

#include "sealed-request.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db;

/* The timer runs every few seconds. */
#define HEARTBEAT_MAX_SECS 300

/* One that nothing waits for is not missed any more after a week. */
#define HEARTBEAT_FORGOTTEN_SECS (7 * 24 * 3600)

struct heartbeat {
	const char *host;
	/* Seconds since it last looked. */
	uint64_t age_secs;
	/* It opens what is sealed to the portal's key; else requests would
	   expire. */
	bool opens_seals;
};

/* The one that was there last, those that open our seals before others: of all,
   or of those that work on a request. Returns 1, or 0 if there never was
   one. */
int heartbeat_find(struct db *db, struct arena *arena,
		   const struct seal_public_key *seal_key,
		   const char *request_id, struct heartbeat *heartbeat_r,
		   const char **error_r);
/* How long ago the same was, as it was known to this thread within the last
   second: for pages that everybody sees all the time. Always for the same key.
   Returns 1 or 0. */
int heartbeat_find_lately(struct db *db, struct arena *arena,
			  const struct seal_public_key *seal_key,
			  uint64_t *age_secs_r, const char **error_r);

/* Of several mail hosts, by name; NULL: none. */
struct heartbeat_trouble {
	/* Whose mailboxes nobody works for, while others do for theirs; of those
	   that never came, though something waits for them, the backend. */
	const char *silent_hosts;
	/* The same of those without a backend: no such host ever came. */
	bool nameless_missing;
	/* Who works, and opens no seal of ours. */
	const char *other_key_hosts;
};

/* Returns 0. */
int heartbeat_find_trouble(struct db *db, struct arena *arena,
			   const struct seal_public_key *seal_key,
			   struct heartbeat_trouble *trouble_r,
			   const char **error_r);

#endif
