#ifndef ACCOUNT_H
#define ACCOUNT_H

/* pymailadmin_account: people who log in to the portal.

   As in all of web/store/: functions return -1 on error, with a text for the
   administrator in *error_r, else what stands above them; on failure outputs
   are untouched. Results are in the arena. Times are seconds since the epoch by
   the database's clock. Unless it says otherwise, a function may be called
   within a transaction (db_transaction()) and outside. */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db;

enum account_role {
	ACCOUNT_ROLE_USER,
	ACCOUNT_ROLE_ADMIN,
	ACCOUNT_ROLE_SUPER_ADMIN,

	ACCOUNT_ROLE_COUNT
};

/* The account has no limit of its own: the settings' counts. */
#define ACCOUNT_LIMIT_DEFAULT UINT_MAX

struct account {
	uint64_t id;
	const char *email, *language;
	enum account_role role;
	/* ACCOUNT_LIMIT_DEFAULT, or what an administrator has set for it. */
	unsigned int max_mailboxes, max_aliases;
	/* Log-ins need a code. */
	bool two_factor;
};

struct account_dates {
	uint64_t password_changed;
	/* 0 without. */
	uint64_t two_factor_since;
};

/* Static. */
const char *account_role_name(enum account_role role);
bool account_role_parse(const char *name, enum account_role *role_r);

/* For logging in. Returns 1 with the account and its password's hash, 0 if there
   is none of that name, or it is not active: go on then with hash NULL, so that
   it takes as long. */
int account_find(struct db *db, struct arena *arena, const char *email,
		 struct account **account_r, const char **hash_r,
		 const char **error_r);
/* The hash of an account that is logged in. Returns 1, or 0 if it is gone. */
int account_get_hash(struct db *db, struct arena *arena, uint64_t id,
		     const char **hash_r, const char **error_r);
/* Returns 1, or 0 if it is gone. */
int account_get_dates(struct db *db, struct arena *arena, uint64_t id,
		      struct account_dates *dates_r, const char **error_r);
/* Returns 0. */
int account_set_language(struct db *db, struct arena *arena, uint64_t id,
			 const char *language, const char **error_r);
/* Its owner changes the password: all sessions end, a reset link that was mailed
   is worth nothing any more, all browsers but the one with this token, which may
   be NULL, are forgotten (known-device.h), an event and a mail are written. The session that
   did it goes on with session_renew(). Its own transaction. Returns 1, or 0 if
   the hash is not old_hash any more. */
int account_set_password(struct db *db, struct arena *arena, uint64_t id,
			 const char *old_hash, const char *hash,
			 const char *device, const char **error_r);
/* The same password hashed anew, with a higher cost. Returns 1, or 0 if it was
   changed meanwhile. */
int account_upgrade_hash(struct db *db, struct arena *arena, uint64_t id,
			 const char *old_hash, const char *hash,
			 const char **error_r);

#endif
