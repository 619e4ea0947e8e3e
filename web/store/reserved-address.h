#ifndef RESERVED_ADDRESS_H
#define RESERVED_ADDRESS_H

/* pymailadmin_reserved_address: what deleted mailboxes were called, which nobody
   gets for a time; for super admins: who asks is not looked at. Freed by
   administration_free_address(). Conventions: account.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;

#define RESERVED_ADDRESS_PAGE_SIZE 50

struct reserved_address {
	const char *address;
	/* When the mailbox was removed, and when the address is free. */
	uint64_t removed, until;
};

struct reserved_address_list {
	struct reserved_address *addresses;
	size_t count;
};

/* By address, RESERVED_ADDRESS_PAGE_SIZE at most after the one named ("" or
   NULL: from the first), those that hold search ("" or NULL: all). more_r says
   whether others follow. Returns 0. */
int reserved_address_list(struct db *db, struct arena *arena,
			  const char *search, const char *after,
			  struct reserved_address_list *list_r, bool *more_r,
			  const char **error_r);

#endif
