#ifndef SESSION_H
#define SESSION_H

/* pymailadmin_session: who is logged in. The cookie's token (token.h) is the
   only key to it; the table has its SHA-256. A session ends by being idle, by
   age, when the account's password or role changes and when the account is made
   inactive. Conventions: account.h. */

#include "csrf.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct arena;
struct db;

enum session_stage {
	/* The password was right, the code of the second factor is awaited:
	   nothing but /login/code, /logout and /language may be done. */
	SESSION_STAGE_CODE,
	/* Logged in. */
	SESSION_STAGE_FULL
};

/* However long a full session lasts. */
#define SESSION_CODE_SECS 600
/* An account has no more: the oldest end. */
#define SESSION_ACCOUNT_MAX 20

struct session {
	unsigned char id_hash[TOKEN_HASH_SIZE];
	unsigned char csrf_key[CSRF_KEY_SIZE];
	uint64_t account_id;
	enum session_stage stage;
	/* The log-in, or last change of id; the last request, by the minute; and
	   when it ends whatever is done. */
	uint64_t created, seen, expires;
	/* The database's clock when it was read. */
	uint64_t now;
	/* A code was given, not only the password. */
	bool second_factor;
	/* What the browser called itself, cut; "" if nothing. */
	const char *user_agent;
	/* When it was made. */
	const char *client_address;
};

struct session_list {
	struct session **sessions;
	size_t count;
};

struct session_new {
	uint64_t account_id;
	enum session_stage stage;
	/* session_lifetime */
	uint64_t lifetime_secs;
	/* May be NULL. */
	const char *user_agent, *client_address;
};

/* At log-in: always a new one; the one a cookie may have named is ended by
   session_end(). The token goes into the cookie and nowhere else. Returns 1, or
   0 if the account is gone or not active. */
int session_create(struct db *db, struct arena *arena,
		   const struct session_new *new,
		   char token_r[TOKEN_SIZE], const char **error_r);
/* Looks up what the cookie says, with its account, in one statement, and
   records that it was seen, at most once a minute. Returns 1, or 0 if that is no
   session (any more), be it malformed. */
int session_load(struct db *db, struct arena *arena, const char *token,
		 uint64_t idle_secs, struct session **session_r,
		 struct account **account_r, const char **error_r);
/* Gives the session another id and CSRF key: after the code (to
   SESSION_STAGE_FULL, with lifetime_secs counted from now), and after its owner
   changed password or second factor (lifetime_secs 0: it ends when it would
   have). It may have been ended just before by account_set_password(). Returns
   1, with the session changed accordingly, or 0 if the account is not active
   any more. */
int session_renew(struct db *db, struct arena *arena, struct session *session,
		  enum session_stage stage, uint64_t lifetime_secs,
		  char token_r[TOKEN_SIZE], const char **error_r);
/* Returns 0. Other accounts' sessions are not found. */
int session_end(struct db *db, struct arena *arena, uint64_t account_id,
		const unsigned char id_hash[TOKEN_HASH_SIZE],
		const char **error_r);
/* All of an account but one, or all with keep NULL. Returns 0. */
int session_end_others(struct db *db, struct arena *arena, uint64_t account_id,
		       const unsigned char *keep, const char **error_r);
/* Those that are honoured, last seen first. Returns 0. */
int session_list(struct db *db, struct arena *arena, uint64_t account_id,
		 uint64_t idle_secs, struct session_list *list_r,
		 const char **error_r);
/* How many there are of all accounts that session_list() would list. Returns
   0. */
int session_count(struct db *db, struct arena *arena, uint64_t idle_secs,
		  uint64_t *count_r, const char **error_r);

#endif
