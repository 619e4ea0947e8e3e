#ifndef MAILBOX_HASH_H
#define MAILBOX_HASH_H

/* Hashes of mailbox passwords as Dovecot stores and verifies them, with the
   {SCHEME} in front. Generating and verifying are slow: only ever called by
   page_run_slow(). Pure; any thread. */

#include <stdbool.h>

enum mailbox_hash_scheme {
	MAILBOX_HASH_ARGON2ID,
	MAILBOX_HASH_ARGON2I,
	MAILBOX_HASH_BLF_CRYPT,
	MAILBOX_HASH_SHA512_CRYPT,
	MAILBOX_HASH_SHA256_CRYPT,
	MAILBOX_HASH_PBKDF2,

	MAILBOX_HASH_SCHEME_COUNT
};

/* Cost of new hashes. Use mailbox_hash_cost_check() on what an administrator
   sets. */
struct mailbox_hash_cost {
	/* KiB, passes, lanes */
	unsigned int argon2_memory, argon2_time, argon2_parallelism;
	/* 2 to the power of this */
	unsigned int bcrypt_cost;
	unsigned int sha_rounds;
	unsigned int pbkdf2_rounds;
};

extern const struct mailbox_hash_cost mailbox_hash_cost_default;

enum mailbox_hash_result {
	MAILBOX_HASH_WRONG,
	MAILBOX_HASH_RIGHT,
	/* A scheme that is not known here, or a hash that asks for absurdly
	   much: the mail host will have to tell. */
	MAILBOX_HASH_UNKNOWN
};

/* Longest hash with its NUL that is generated, and that pymailadmin stores. */
#define MAILBOX_HASH_SIZE 256

/* "ARGON2ID", "BLF-CRYPT" ...; static. */
const char *mailbox_hash_scheme_name(enum mailbox_hash_scheme scheme);
/* Without regard to case. */
bool mailbox_hash_scheme_parse(const char *name,
			       enum mailbox_hash_scheme *scheme_r);
/* Returns false with a static text that names setting and floor or ceiling. */
bool mailbox_hash_cost_check(const struct mailbox_hash_cost *cost,
			     const char **error_r);
/* Longest password in bytes that counts as a whole: 72 for bcrypt, else 512. */
unsigned int mailbox_hash_password_max(enum mailbox_hash_scheme scheme);

/* Returns false if there is no memory, or the password is longer than the
   scheme allows. */
bool mailbox_hash_generate(enum mailbox_hash_scheme scheme,
			   const struct mailbox_hash_cost *cost,
			   const char *password,
			   char hash_r[MAILBOX_HASH_SIZE]);
/* hash NULL: there is no such mailbox; takes about as long as one of the
   default scheme and is wrong. */
enum mailbox_hash_result mailbox_hash_verify(const char *hash,
					     const char *password);

#endif
