#ifndef ACCOUNT_LIST_H
#define ACCOUNT_LIST_H

/* All accounts, and what is known of one, for super admins: who asks is not
   looked at. Conventions: account.h. */

#include "account.h"

#include <stddef.h>

struct arena;
struct db;

#define ACCOUNT_PAGE_SIZE 50

struct account_details {
	struct account *account;
	bool active;
	/* False: its owner has never chosen one. */
	bool has_password;
	/* That are there, not only reserved. */
	uint64_t mailboxes;
	/* Its last request or act, as far as that is still known; 0: neither. */
	uint64_t seen;
	uint64_t created;
	/* And 0 without a second factor. */
	uint64_t password_changed, two_factor_since;
};

struct account_list {
	struct account_details *accounts;
	size_t count;
};

/* By e-mail address, ACCOUNT_PAGE_SIZE at most after the one named ("" or NULL:
   from the first), those that hold search ("" or NULL: all). more_r says whether
   others follow. Returns 0. */
int account_list(struct db *db, struct arena *arena, const char *search,
		 const char *after, struct account_list *list_r, bool *more_r,
		 const char **error_r);
/* Returns 1, or 0 if there is none of this id. */
int account_list_find(struct db *db, struct arena *arena, uint64_t id,
		      struct account_details *details_r,
		      const char **error_r);

struct account_counts {
	uint64_t accounts, not_active;
	/* Confirmed registrations that wait for an answer. */
	uint64_t waiting;
	uint64_t domains;
	/* Addresses of deleted mailboxes. */
	uint64_t reserved;
};

/* Returns 0. */
int account_list_count(struct db *db, struct arena *arena,
		       struct account_counts *counts_r, const char **error_r);

#endif
