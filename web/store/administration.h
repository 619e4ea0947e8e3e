#ifndef ADMINISTRATION_H
#define ADMINISTRATION_H

/* What super admins change of other people's accounts, of domains and of whose a
   mailbox is: the procedures of sql/0005-administration.sql, which check
   themselves that actor_id is one. Each writes its event, and the mail to whom
   it is about, and is its own transaction. Conventions: account.h. */

#include "account.h"

struct arena;
struct db;

enum administration_result {
	ADMINISTRATION_DONE,
	/* It is not there, or the account that acts may not. */
	ADMINISTRATION_NOT_FOUND,
	/* It is one's own account. */
	ADMINISTRATION_SELF,
	/* It is so already. */
	ADMINISTRATION_UNCHANGED,
	/* Somebody else has changed it since it was shown. */
	ADMINISTRATION_STALE,
	ADMINISTRATION_MALFORMED,
	/* None are named, or one there is not. */
	ADMINISTRATION_DOMAINS,
	/* There is a domain of that name. */
	ADMINISTRATION_TAKEN,
	/* The domain has mailboxes, aliases or requests. */
	ADMINISTRATION_USED,
	/* The mail server's tables do not let it be done here. */
	ADMINISTRATION_UNSUPPORTED,
	/* Something is asked of the mail host for the mailbox. */
	ADMINISTRATION_BUSY,
	/* There is no active account of that e-mail address. */
	ADMINISTRATION_ACCOUNT
};

/* All return 0 with a result. Of accounts: DONE, NOT_FOUND, UNCHANGED and what
   stands with them. */

/* was: the role that was shown. Its sessions end. SELF, STALE. */
int administration_set_role(struct db *db, struct arena *arena,
			    uint64_t actor_id, uint64_t id,
			    enum account_role role, enum account_role was,
			    enum administration_result *result_r,
			    const char **error_r);
/* Its sessions end; its mailboxes go on. SELF. */
int administration_set_active(struct db *db, struct arena *arena,
			      uint64_t actor_id, uint64_t id, bool active,
			      enum administration_result *result_r,
			      const char **error_r);
/* ACCOUNT_LIMIT_DEFAULT, or up to 65535. */
int administration_set_limits(struct db *db, struct arena *arena,
			      uint64_t actor_id, uint64_t id,
			      unsigned int max_mailboxes,
			      unsigned int max_aliases,
			      enum administration_result *result_r,
			      const char **error_r);
/* Ends its sessions and, with factor, its second factor. SELF. */
int administration_log_out(struct db *db, struct arena *arena,
			   uint64_t actor_id, uint64_t id, bool factor,
			   enum administration_result *result_r,
			   const char **error_r);
/* domains is a JSON array of names, to be given or, with take, taken away.
   DOMAINS. */
int administration_set_domains(struct db *db, struct arena *arena,
			       uint64_t actor_id, uint64_t id,
			       const char *domains, bool take,
			       enum administration_result *result_r,
			       const char **error_r);

/* DONE, NOT_FOUND, MALFORMED, TAKEN, UNSUPPORTED. */
int administration_add_domain(struct db *db, struct arena *arena,
			      uint64_t actor_id, const char *name,
			      enum administration_result *result_r,
			      const char **error_r);
/* With what accounts were given of it. DONE, NOT_FOUND, USED, UNSUPPORTED. */
int administration_remove_domain(struct db *db, struct arena *arena,
				 uint64_t actor_id, const char *name,
				 enum administration_result *result_r,
				 const char **error_r);

/* To the account of an e-mail address, or to nobody with NULL. was: the owner
   that was shown, likewise. DONE, NOT_FOUND, BUSY, ACCOUNT, UNCHANGED, STALE. */
int administration_give_mailbox(struct db *db, struct arena *arena,
				uint64_t actor_id, const char *address,
				const char *email, const char *was,
				enum administration_result *result_r,
				const char **error_r);

#endif
