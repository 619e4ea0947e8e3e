#ifndef MAILBOX_HASH_PRIVATE_H
#define MAILBOX_HASH_PRIVATE_H

/* What generating and verifying share. */

#include "mailbox-hash.h"

#include <stddef.h>

#define PBKDF2_HASH_SIZE 20

/* PBKDF2-HMAC-SHA1 as lower case hex, as Dovecot has it. */
void mailbox_hash_pbkdf2(const char *password, const char *salt,
			 size_t salt_size, unsigned int rounds,
			 char hex_r[2 * PBKDF2_HASH_SIZE + 1]);
/* crypt(3) that leaves nothing behind. Returns false if the setting is none, or
   there is no memory. hash_r has room for size bytes. */
bool mailbox_hash_crypt(const char *password, const char *setting,
			char *hash_r, size_t size);

#endif
