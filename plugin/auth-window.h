#ifndef AUTH_WINDOW_H
#define AUTH_WINDOW_H

/* Is a mailbox closed, and what is a login told? No I/O, no clock and nothing
   of the auth process. Texts are on the data stack. */

/* The mailbox's open request of kind password, delete or close, as the database
   says it. */
struct auth_window_row {
	const char *request_id;
	const char *kind;
	const char *state;
	/* Seconds since the epoch, by the database's clock. */
	const char *created;
	const char *now;
	/* When it may be tried again, of kind close: when it opens. */
	const char *until;
};

/* Returns 1 and the time it opens at the latest if the mailbox is closed, 0 if
   it is open, -1 if the row cannot be understood. now and *opens_r are by this
   host's clock, whatever the database's says. *opens_r is 0 if only the end of
   the switch opens it, or nothing does: *deleted_r is set if the mailbox is being
   destroyed. */
int auth_window_check(const struct auth_window_row *row,
		      unsigned int window_secs, time_t now, time_t *opens_r,
		      bool *deleted_r, const char **error_r);

/* Returns the local time, rounded up to a minute, as "14:05 CET", or with the
   date before it if that is not today; "" for 0. */
const char *auth_window_opens_text(time_t opens, time_t now);

/* Expands the %{opens} of a text. */
int auth_window_expand(const char *text, const char *opens,
		       const char **text_r, const char **error_r);

/* Returns the text on one line, behind the response code by which clients of
   the protocol tell that the failure is temporary, if it has such codes. */
const char *auth_window_reason(const char *protocol, const char *text);
bool auth_window_reason_has_code(const char *protocol);

/* What the passdb leaves to the userdb of the same login: that the mailbox of
   this user was open at that time. It holds for some seconds only. */
const char *auth_window_open_note(const char *user, time_t now);
bool auth_window_open_note_holds(const char *note, const char *user,
				 time_t now);

#endif
