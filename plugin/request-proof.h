#ifndef REQUEST_PROOF_H
#define REQUEST_PROOF_H

/* Is the password that a request carries as the old one the mailbox's? For
   kinds that need no other secret. */

struct password_change_context;
struct request_row;

/* Returns 1 if it is, 0 if not, with a code and why, -1 if the database
   failed. */
int request_proof_password(const struct password_change_context *ctx,
			   const struct request_row *row,
			   const char **outcome_r, const char **error_r);

#endif
