#ifndef DOMAIN_H
#define DOMAIN_H

/* Domains, as an account sees them: its own (pymailadmin_account_domain), and
   for a super admin all. Conventions: account.h. */

#include <stddef.h>
#include <stdint.h>

struct account;
struct arena;
struct db;

struct domain {
	const char *name;
	/* Mailboxes there are in it: the account's own, or all for a super
	   admin. */
	uint64_t mailboxes;
};

struct domain_list {
	struct domain *domains;
	size_t count;
};

/* By name, at most limit of them after the name after ("" or NULL: from the
   first), those that hold search ("" or NULL: all). Returns 0. */
int domain_list(struct db *db, struct arena *arena,
		const struct account *account, const char *search,
		const char *after, unsigned int limit,
		struct domain_list *list_r, const char **error_r);
/* An account's own, by name, without counting mailboxes: who has the list of
   those can do that. Returns 0. */
int domain_list_names(struct db *db, struct arena *arena, uint64_t account_id,
		      unsigned int limit, struct domain_list *list_r,
		      const char **error_r);
/* May the account see it and make mailboxes in it? Returns 1 or 0. */
int domain_find(struct db *db, struct arena *arena,
		const struct account *account, const char *name,
		struct domain *domain_r, const char **error_r);

#endif
