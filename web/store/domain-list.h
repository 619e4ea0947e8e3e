#ifndef DOMAIN_LIST_H
#define DOMAIN_LIST_H

/* All domains, with what is in them, for super admins: who asks is not looked
   at. Conventions: account.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;

#define DOMAIN_PAGE_SIZE 50

struct domain_counts {
	const char *name;
	uint64_t mailboxes, aliases;
	/* That may make mailboxes in it; not super admins, who may anyway. */
	uint64_t accounts;
};

struct domain_counts_list {
	struct domain_counts *domains;
	size_t count;
};

/* By name, DOMAIN_PAGE_SIZE at most after the one named ("" or NULL: from the
   first), those that hold search ("" or NULL: all). more_r says whether others
   follow. Returns 0. */
int domain_counts_list(struct db *db, struct arena *arena, const char *search,
		       const char *after, struct domain_counts_list *list_r,
		       bool *more_r, const char **error_r);
/* Returns 1, or 0 if there is none of this name. */
int domain_counts_find(struct db *db, struct arena *arena, const char *name,
		       struct domain_counts *counts_r, const char **error_r);

#endif
