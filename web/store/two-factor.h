#ifndef TWO_FACTOR_H
#define TWO_FACTOR_H

/* The second factor of an account: a TOTP secret (totp.h) in
   pymailadmin_account, and one-time codes (backup-code.h) in
   pymailadmin_backup_code. Conventions: account.h. */

#include "backup-code.h"
#include "totp.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db;

struct two_factor {
	unsigned char sealed[TOTP_SEALED_SIZE];
	/* A code was given once: log-ins need one. */
	bool confirmed;
	/* The newest step a code was used of. */
	uint64_t last_step;
	/* Unused codes. */
	unsigned int codes_left;
	/* The database's clock, for totp_verify(). */
	uint64_t now;
};

struct backup_code_hashes {
	unsigned char hashes[BACKUP_CODE_COUNT][BACKUP_CODE_HASH_SIZE];
};

/* Returns 1, or 0 if no secret was ever made. */
int two_factor_load(struct db *db, struct arena *arena, uint64_t account_id,
		    struct two_factor *two_factor_r, const char **error_r);
/* Stores a secret that is not yet confirmed, in place of another such. Returns
   1, or 0 if there is a confirmed one, which stays. */
int two_factor_begin(struct db *db, struct arena *arena, uint64_t account_id,
		     const unsigned char sealed[TOTP_SEALED_SIZE],
		     const char **error_r);
/* The first code was right: from now on log-ins need one. The backup codes are
   replaced, other sessions end (session_renew() yours), event and mail are
   written. Its own transaction. Returns 1, or 0 if the secret is not the one
   given, or confirmed already. */
int two_factor_confirm(struct db *db, struct arena *arena, uint64_t account_id,
		       const unsigned char sealed[TOTP_SEALED_SIZE],
		       uint64_t step, const struct backup_code_hashes *codes,
		       const char **error_r);
/* Removes secret and codes; event and mail. Its own transaction. Returns 0. */
int two_factor_disable(struct db *db, struct arena *arena, uint64_t account_id,
		       const char **error_r);
/* A code of the step was given and right. Returns 1 if it counts, 0 if that step
   was used already: then the code is wrong. */
int two_factor_use_step(struct db *db, struct arena *arena,
			uint64_t account_id, uint64_t step,
			const char **error_r);
/* Returns 1 if it counts, 0 if it is none of the account's or was used. */
int two_factor_use_code(struct db *db, struct arena *arena,
			uint64_t account_id,
			const unsigned char hash[BACKUP_CODE_HASH_SIZE],
			const char **error_r);
/* New backup codes instead of the old; event and mail. Its own transaction.
   Returns 1, or 0 without a confirmed second factor. */
int two_factor_set_codes(struct db *db, struct arena *arena,
			 uint64_t account_id,
			 const struct backup_code_hashes *codes,
			 const char **error_r);

#endif
