#ifndef DELETE_REQUEST_H
#define DELETE_REQUEST_H

/* A request to delete a mailbox. It is verified as soon as it is seen, waits,
   pending, until pymailadmin_deletion_grace is over, and is then carried out
   under the mailbox lock, kept from beginning by anything else that is being
   done to the mailbox. From state switching on there is only forward
   (request-state.h): each step is repeated by a run that follows one that was
   interrupted, until nothing is left. */

#include "password-change.h"

/* Is there something to do for it now? */
bool delete_request_is_due(const struct password_change_context *ctx,
			   const struct request_row *row);
/* Logs what happened. Row must be claimed; its state is kept up to date. */
enum password_change_result
delete_request_run(const struct password_change_context *ctx,
		   struct request_row *row);

#endif
