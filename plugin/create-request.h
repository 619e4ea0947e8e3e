#ifndef CREATE_REQUEST_H
#define CREATE_REQUEST_H

/* One claimed request to make a mailbox. Works also on one whose last run was
   interrupted: every step can be repeated.

   claimed: nothing is written. Open the seal, prove what it says; then insert
   the row, not active, and move on in one transaction; switching.
   switching: under the mailbox lock make home, INBOX, the admin's automatic
   folders and the keys, prove them, sync all; then activate the row and move on
   in one transaction; switched. If that cannot be, take back keys and row, and
   free the address; failed.
   switched: flush the auth cache, which may know that the mailbox was not there;
   done.

   The auth driver keeps the address closed while the request is open. */

#include "password-change.h"

/* Row must be claimed; its state is kept up to date. Logs what happened. */
enum password_change_result
create_request_run(const struct password_change_context *ctx,
		   struct request_row *row);

/* Ends a request that was not begun in time, or canceled. Returns as
   request_store_end(). */
int create_request_end(struct request_store *store, struct request_row *row,
		       enum request_state state, const char *outcome,
		       const char *reason, const char **error_r);

/* Is it too late to begin with it? */
bool create_request_is_expired(const struct request_row *row);

#endif
