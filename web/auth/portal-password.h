#ifndef PORTAL_PASSWORD_H
#define PORTAL_PASSWORD_H

/* Hashes of passwords of the portal's accounts: argon2id, "$argon2id$v=19$...".
   Hashing and verifying take about 150 ms and 64 MiB: only ever called by
   page_run_slow(). Mailboxes are another thing: mailbox-hash.h.

   Pure; any thread. */

#include <stdbool.h>

/* With its NUL. */
#define PORTAL_PASSWORD_HASH_SIZE 128

/* Never fails for a password within the limits of password-rules.h; returns
   false if there is no memory. */
bool portal_password_hash(const char *password,
			  char hash_r[PORTAL_PASSWORD_HASH_SIZE]);
/* hash NULL: there is no such account; takes as long and is wrong. Also wrong
   are a hash that is none of ours and one that asks for absurdly much memory or
   time, which are not worked on. */
bool portal_password_verify(const char *hash, const char *password);
/* It was made with less than today's cost: hash anew now that the password is
   at hand. */
bool portal_password_needs_rehash(const char *hash);

#endif
