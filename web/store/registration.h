#ifndef REGISTRATION_H
#define REGISTRATION_H

/* pymailadmin_registration: people who ask for an account, until a moderator has
   decided. The page only files what was typed, the same for addresses that are
   known and for others; whoever sends the mail makes the link. Each change is
   its own transaction. Conventions: account.h. */

#include "token.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;

/* How long the link works, and what was not confirmed is kept. */
#define REGISTRATION_SECS (48 * 3600)
/* How long one may wait before moderators are told again. */
#define REGISTRATION_REMIND_SECS (36 * 3600)
/* The outbox's template of the mail with the link; it is written as one of the
   others if there is nothing to confirm. */
#define REGISTRATION_TEMPLATE "registration"
#define REGISTRATION_ACCOUNT_TEMPLATE "registration-account"
#define REGISTRATION_KNOWN_TEMPLATE "registration-known"

#define REGISTRATION_REASON_MAX 1000
#define REGISTRATION_MESSAGE_MAX 900
#define REGISTRATION_DOMAINS_MAX 100

enum registration_result {
	REGISTRATION_DONE,
	/* It is not there, has expired, was decided already; or the account
	   may not. */
	REGISTRATION_NOT_FOUND,
	/* There is an account of this address. */
	REGISTRATION_ACCOUNT,
	/* One of this address waits for a moderator already. */
	REGISTRATION_WAITING,
	/* The code is none, or used up. */
	REGISTRATION_INVITATION,
	/* None are given, or one that the account cannot give. */
	REGISTRATION_DOMAINS,
	REGISTRATION_MALFORMED,
	/* Too many codes. */
	REGISTRATION_LIMIT
};

struct registration_new {
	const char *email, *hash, *language, *reason, *network;
	/* INVITATION_HASH_SIZE bytes, or NULL if none is wanted. */
	const unsigned char *code_hash;
};

struct registration {
	uint64_t id;
	const char *email, *reason, *network;
	uint64_t created, confirmed;
	/* Of the code it came with: 0, and NULL, without. */
	uint64_t invitation_id;
	const char *invitation_note, *invited_by;
};

struct registration_list {
	struct registration *registrations;
	size_t count;
};

/* What a procedure answered; the name of none is an error. Returns 0. */
int registration_result(struct arena *arena, const char *name,
			enum registration_result *result_r,
			const char **error_r);

/* Returns 0 with DONE, INVITATION or MALFORMED. */
int registration_file(struct db *db, struct arena *arena,
		      const struct registration_new *new,
		      enum registration_result *result_r,
		      const char **error_r);
/* For the mail that is about to be sent; an older link ends. Returns 0 with
   DONE, ACCOUNT, WAITING or NOT_FOUND; the token is only set if DONE. */
int registration_link(struct db *db, struct arena *arena, uint64_t id,
		      char token_r[TOKEN_SIZE],
		      enum registration_result *result_r,
		      const char **error_r);
/* For the page behind the link: is it good? It is not used up. Returns 1 or
   0. */
int registration_find_link(struct db *db, struct arena *arena,
			   const char *token,
			   struct registration *registration_r,
			   const char **error_r);
/* Once: then it waits, and moderators are told. Returns 0 with DONE, ACCOUNT,
   WAITING or NOT_FOUND. */
int registration_confirm(struct db *db, struct arena *arena, const char *token,
			 enum registration_result *result_r,
			 const char **error_r);

/* Those that wait, oldest first, at most limit of them after the id after (0:
   from the first). Returns 0. */
int registration_list(struct db *db, struct arena *arena, uint64_t after,
		      unsigned int limit, struct registration_list *list_r,
		      const char **error_r);
/* One that waits. Returns 1 or 0. */
int registration_find(struct db *db, struct arena *arena, uint64_t id,
		      struct registration *registration_r,
		      const char **error_r);
/* Makes an account of it. domains is a JSON array; limits are
   ACCOUNT_LIMIT_DEFAULT, or up to 65535. Returns 0 with DONE, NOT_FOUND,
   DOMAINS or ACCOUNT. */
int registration_accept(struct db *db, struct arena *arena,
			uint64_t moderator_id, uint64_t id,
			const char *domains, unsigned int max_mailboxes,
			unsigned int max_aliases,
			enum registration_result *result_r,
			const char **error_r);
/* With a mail that says the message, or without one if that is NULL. Returns 0
   with DONE, NOT_FOUND or MALFORMED. */
int registration_decline(struct db *db, struct arena *arena,
			 uint64_t moderator_id, uint64_t id,
			 const char *message,
			 enum registration_result *result_r,
			 const char **error_r);

#endif
