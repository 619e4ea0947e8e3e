#ifndef ADMINISTRATION_H
#define ADMINISTRATION_H

/* What super admins change of other people's accounts, of domains and of whose a
   mailbox is: the procedures of sql/0005-administration.sql, which check
   themselves that actor_id is one. Each writes its event, and the mail to whom
   it is about, and is its own transaction. Conventions: account.h.

   Accounts are made and deleted by those of sql/0010-accounts.sql, addresses of
   deleted mailboxes are freed by that of sql/0008-deletion.sql. */

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
	/* There is a domain of that name, an account of that address. */
	ADMINISTRATION_TAKEN,
	/* The domain has mailboxes, aliases or requests. */
	ADMINISTRATION_USED,
	/* The mail server's tables do not let it be done here. */
	ADMINISTRATION_UNSUPPORTED,
	/* Something is asked of the mail host for the mailbox, or for one of
	   the account's. */
	ADMINISTRATION_BUSY,
	/* There is no active account of that e-mail address. */
	ADMINISTRATION_ACCOUNT,
	/* Whoever has that e-mail address has asked for an account. */
	ADMINISTRATION_WAITING
};

struct administration_account {
	const char *email, *language;
	enum account_role role;
	/* A JSON array of names, which may be empty. */
	const char *domains;
	/* ACCOUNT_LIMIT_DEFAULT, or up to 65535. */
	unsigned int max_mailboxes, max_aliases;
};

/* All return 0 with a result. */

/* Makes an account without a password; its owner gets a mail with a link to
   choose one (PASSWORD_RESET_FIRST_TEMPLATE). DONE, NOT_FOUND, MALFORMED,
   DOMAINS, TAKEN, WAITING. */
int administration_add_account(struct db *db, struct arena *arena,
			       uint64_t actor_id,
			       const struct administration_account *account,
			       enum administration_result *result_r,
			       const char **error_r);
/* Its mailboxes stay and are nobody's. DONE, NOT_FOUND, SELF, BUSY. */
int administration_delete_account(struct db *db, struct arena *arena,
				  uint64_t actor_id, uint64_t id,
				  enum administration_result *result_r,
				  const char **error_r);

/* Of what is changed of accounts: DONE, NOT_FOUND, UNCHANGED and what stands
   with them. */

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
/* Ends its sessions, forgets its browsers and, with factor, ends its second
   factor. SELF. */
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
/* Of a mailbox that was deleted. DONE, NOT_FOUND. */
int administration_free_address(struct db *db, struct arena *arena,
				uint64_t actor_id, const char *address,
				enum administration_result *result_r,
				const char **error_r);

#endif
