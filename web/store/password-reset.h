#ifndef PASSWORD_RESET_H
#define PASSWORD_RESET_H

/* Forgotten passwords of the portal. The page only notes that a mail is to be
   sent, in the same time whether there is such an account or not; whoever sends
   it makes the token, so that no table ever holds one. Conventions: account.h. */

#include "token.h"

#include <stdint.h>

struct arena;
struct db;

/* The outbox's template of the mail with the link. */
#define PASSWORD_RESET_TEMPLATE "password-reset"
/* Of the one that the owner of a new account gets: the first password is chosen
   in the same way. */
#define PASSWORD_RESET_FIRST_TEMPLATE "account-made"

/* Returns 0, whether there is such an account or not. An account has at most one
   such mail waiting. */
int password_reset_request(struct db *db, struct arena *arena,
			   const char *email, const char **error_r);
/* For the mail that is about to be sent; older tokens of the account end.
   Returns 1, or 0 if the account is gone or not active. */
int password_reset_create(struct db *db, struct arena *arena,
			  uint64_t account_id, uint64_t lifetime_secs,
			  char token_r[TOKEN_SIZE], const char **error_r);
/* For the form: is the link good? It is not used up. Returns 1 with the
   account's e-mail address, or 0. */
int password_reset_find(struct db *db, struct arena *arena, const char *token,
			const char **email_r, const char **error_r);
/* Sets the password, once; all sessions end, event and mail are written. Its
   own transaction. Returns 1, or 0 if the token is not good (any more). */
int password_reset_use(struct db *db, struct arena *arena, const char *token,
		       const char *hash, const char **error_r);

#endif
