#ifndef ALIAS_H
#define ALIAS_H

/* Aliases of mailboxes: read through pymailadmin_alias, changed by procedures of
   the database, which check under locks all that must be true, whatever the
   portal believes: who owns the mailbox, that the address is free, the limit.
   They write the event too. names.h first, for a reason people can act on.
   Conventions: account.h. */

#include <stddef.h>
#include <stdint.h>

struct account;
struct arena;
struct db;

struct alias {
	/* Opaque, short text without odd characters. */
	const char *id;
	/* The whole address, "@domain" for a catch-all; and the mailbox. */
	const char *source, *destination;
};

struct alias_list {
	struct alias *aliases;
	size_t count;
};

enum alias_result {
	ALIAS_DONE,
	/* The mailbox or alias is gone, or not the account's. */
	ALIAS_NOT_FOUND,
	/* The address is a mailbox's, an alias, or reserved for a mailbox. */
	ALIAS_TAKEN,
	/* As many as the mailbox may have. */
	ALIAS_LIMIT,
	/* No address of the mailbox's domain, or a catch-all without the right
	   to make one. */
	ALIAS_MALFORMED,
	/* The mailbox is being created or deleted. */
	ALIAS_BUSY,
	/* The same as before. */
	ALIAS_UNCHANGED
};

/* Of a mailbox the account may see (mailbox_find() first), by source. Returns
   0. */
int alias_list(struct db *db, struct arena *arena, const char *mailbox,
	       struct alias_list *list_r, const char **error_r);
/* Returns 1, or 0 if the mailbox has no such alias. */
int alias_find(struct db *db, struct arena *arena, const char *mailbox,
	       const char *id, struct alias *alias_r, const char **error_r);

/* limit is max_aliases of the settings; what an administrator has set for the
   account that owns the mailbox goes before it. The source is a whole address,
   normalized; for a super admin also "@domain". Return 1 with the result. */
int alias_add(struct db *db, struct arena *arena,
	      const struct account *account, const char *mailbox,
	      const char *source, unsigned int limit,
	      enum alias_result *result_r, const char **error_r);
int alias_rename(struct db *db, struct arena *arena,
		 const struct account *account, const char *mailbox,
		 const char *id, const char *source,
		 enum alias_result *result_r, const char **error_r);
int alias_delete(struct db *db, struct arena *arena,
		 const struct account *account, const char *mailbox,
		 const char *id, enum alias_result *result_r,
		 const char **error_r);

#endif
