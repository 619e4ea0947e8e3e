#ifndef INVITATION_H
#define INVITATION_H

/* pymailadmin_invitation: codes by which moderators have people register.
   Conventions: account.h; results: registration.h. */

#include "registration.h"

#include <stdbool.h>

struct account;
struct secret_key;

#define INVITATION_HASH_SIZE TOKEN_HASH_SIZE
#define INVITATION_NOTE_MAX 100
#define INVITATION_USES_MAX 1000
#define INVITATION_DAYS_MAX 366
/* With its NUL. */
#define INVITATION_CODE_SIZE 15

struct invitation {
	uint64_t id;
	/* In the words of who made it, who that is, and the names of the
	   domains with a space between. */
	const char *note, *maker, *domains;
	unsigned int uses, used;
	uint64_t created, expires;
};

struct invitation_list {
	struct invitation *invitations;
	size_t count;
};

/* Of a code as people type it. Returns false if it cannot be one. Pure. */
bool invitation_code_hash(const struct secret_key *key, const char *code,
			  unsigned char hash_r[INVITATION_HASH_SIZE]);

/* Makes a code that only the answer ever shows. domains is a JSON array. Its own
   transaction. Returns 0 with DONE, NOT_FOUND, DOMAINS, MALFORMED or LIMIT; the
   code is only set if DONE. */
int invitation_add(struct db *db, struct arena *arena,
		   const struct secret_key *key, uint64_t account_id,
		   const char *note, unsigned int uses, uint64_t secs,
		   const char *domains, char code_r[INVITATION_CODE_SIZE],
		   enum registration_result *result_r, const char **error_r);
/* Its own transaction. Returns 0 with DONE or NOT_FOUND. */
int invitation_end(struct db *db, struct arena *arena, uint64_t account_id,
		   uint64_t id, enum registration_result *result_r,
		   const char **error_r);
/* Those that have not expired, newest first: the account's own, for a super
   admin all. Returns 0. */
int invitation_list(struct db *db, struct arena *arena,
		    const struct account *account, unsigned int limit,
		    struct invitation_list *list_r, const char **error_r);
/* The names of the domains a code was made for, with a space between; "" if it
   is gone. Returns 0. */
int invitation_domains(struct db *db, struct arena *arena, uint64_t id,
		       const char **domains_r, const char **error_r);

#endif
