#ifndef KNOWN_DEVICE_H
#define KNOWN_DEVICE_H

/* pymailadmin_known_device: browsers an account has logged in with. A browser
   has a token in a cookie; the table has a hash of account and token, so that
   two accounts of a browser have nothing in common. Conventions: account.h. */

#include "token.h"

#include <stdint.h>

struct arena;
struct db;

/* An account has no more: those it has not logged in with for longest are
   forgotten. So is what was not seen for this long. */
#define KNOWN_DEVICE_ACCOUNT_MAX 50
#define KNOWN_DEVICE_SECS (400 * 86400)
#define NEW_LOGIN_TEMPLATE "new-login"

/* What the mail says of who logs in. */
struct known_device_client {
	/* NULL if it is not known. */
	const char *browser;
	const char *network;
};

/* A log-in of the account, in its transaction. token is that of the browser's
   cookie; if the account has not logged in with it before, it is remembered,
   and the account gets a mail, unless it has never logged in with any. Returns
   1 if it was known, 0 if not. */
int known_device_log_in(struct db *db, struct arena *arena, uint64_t account_id,
			const char *token,
			const struct known_device_client *client,
			const char **error_r);
/* All browsers of an account but the one with the token, which may be NULL.
   Returns 0. */
int known_device_forget(struct db *db, struct arena *arena, uint64_t account_id,
			const char *token, const char **error_r);

#endif
