#ifndef ENCRYPT_REQUEST_H
#define ENCRYPT_REQUEST_H

/* A claimed request to re-encrypt a mailbox's stored mail with its password as
   it is. */

#include "password-change.h"

/* Proves the password; returns PASSWORD_CHANGE_STORING if it is to go on with
   rekey-queue.h, else what became of the request. */
enum password_change_result
encrypt_request_run(const struct password_change_context *ctx,
		    struct request_row *row);

#endif
