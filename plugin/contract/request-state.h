#ifndef REQUEST_STATE_H
#define REQUEST_STATE_H

/* Kinds and states of a row of pymailadmin_request, the transitions between
   them, and when a request keeps its mailbox closed. The names are those of
   the ENUM columns in sql/. Pure functions: no I/O, no clock; any thread.

   pending -> claimed -> switching -> switched -> rekeying -> done
      |          |  |        |           |            |        ^ ^
      |          |  |        |           `------------|--------|-'
      |          |  |        `-> failed (rolled back) |        |
      |          |  `-------------------------------> storing -'
      |          `-> pending, failed, expired, canceled
      `-> failed, expired, canceled

   pending    filed, nobody works on it
   claimed    a process has it and proves what it says; nothing is written
   switching  key and hash are being changed and may disagree
   switched   the new password is the password; auth caches may not know it
   rekeying   caches flushed; folder keys and stored mail are being renewed
   storing    open, and stored mail is being re-encrypted (kind encrypt: from
   claimed); another request may be filed
   done, failed, expired, canceled: ended, the sealed part is wiped

   Of kind create: in switching the mailbox is being made, its row is there but
   not active; in switched it is active, and auth caches may still know that it
   was not there; then it is done. It is closed until then, however long.

   Of kind delete: pending while it can be canceled, also once its password has
   been verified; claimed while that, or whether it can be done, is looked at.
   From switching on there is only forward, and nobody gets in:
   switching  the keys are being destroyed
   switched   the keys are gone; mail and home are being removed
   rekeying   they are gone, too; then the rows, and done

   Of kind close: pending as long as an administrator keeps the mailbox closed,
   and until the next run has seen that the time is over: done. Nobody claims
   it. Canceled: it was opened before. */

#include <stdbool.h>
#include <stdint.h>

enum request_kind {
	REQUEST_KIND_PASSWORD,
	REQUEST_KIND_CREATE,
	REQUEST_KIND_DELETE,
	REQUEST_KIND_ENCRYPT,
	REQUEST_KIND_CLOSE,

	REQUEST_KIND_COUNT
};

enum request_state {
	REQUEST_STATE_PENDING,
	REQUEST_STATE_CLAIMED,
	REQUEST_STATE_SWITCHING,
	REQUEST_STATE_SWITCHED,
	REQUEST_STATE_REKEYING,
	REQUEST_STATE_STORING,
	REQUEST_STATE_DONE,
	REQUEST_STATE_FAILED,
	REQUEST_STATE_EXPIRED,
	REQUEST_STATE_CANCELED,

	REQUEST_STATE_COUNT
};

/* Returns the SQL name, static. */
const char *request_kind_name(enum request_kind kind);
const char *request_state_name(enum request_state state);

/* Returns false and leaves the output alone if the name is unknown. */
bool request_kind_parse(const char *name, enum request_kind *kind_r);
bool request_state_parse(const char *name, enum request_state *state_r);

/* May a request go from one state to the other? A state never goes to
   itself. */
bool request_state_may_become(enum request_state from, enum request_state to);

/* Of kind delete: is the mailbox being destroyed? It never opens again. */
bool request_deletion_has_begun(enum request_state state);

/* Has the request ended for good? */
bool request_state_is_final(enum request_state state);

#define REQUEST_CLOCK_SKEW_SECS 60

/* A request of kind create that has not been met by then expires: the person
   does not wait for it any more, and the seal should not lie for ever. */
#define REQUEST_CREATE_MAX_SECS (24*3600)

/* Is the mailbox of a request of kind password closed to logins at the time
   now? Times are seconds since the epoch, window_secs the longest time a
   mailbox may be closed (pymailadmin_rekey_window).

   The window ends by time alone, except between the first write of a key and
   the flush of the auth caches (switching, switched), where opening could let
   a login meet a key and a hash that disagree. A request from the future, by
   no more than REQUEST_CLOCK_SKEW_SECS, is taken as made now; one from farther
   away, after a clock was set back, closes nothing.

   Sets *opens_r to the time it opens at the latest, if it is closed; 0 if only
   the end of the switch opens it. */
bool request_window_is_closed(enum request_state state, uint64_t created,
			      uint64_t now, uint32_t window_secs,
			      uint64_t *opens_r);

/* What decides whether a request keeps its mailbox closed. */
struct request_window {
	enum request_kind kind;
	enum request_state state;
	/* Seconds since the epoch. */
	uint64_t created, now;
	/* Of kind close: when it opens if nothing opens it before. The window
	   holds for it, too. */
	uint64_t until;
};

/* Is the mailbox closed to logins for a time, by a change of its password or by
   an administrator? For the other kinds this is not the question.
   Sets *opens_r as request_window_is_closed() does. */
bool request_keeps_closed(const struct request_window *request,
			  uint32_t window_secs, uint64_t *opens_r);

#endif
