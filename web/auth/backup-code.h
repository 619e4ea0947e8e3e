#ifndef BACKUP_CODE_H
#define BACKUP_CODE_H

/* Codes for one use each, for who has lost the phone: 12 characters of an
   alphabet without look-alikes, in three groups, "k7wm-3pxd-9qhr": 58 bits.
   Shown once; stored as a keyed hash. Pure; any thread; fast. */

#include "secret-key.h"

#include <stdbool.h>
#include <stdint.h>

#define BACKUP_CODE_COUNT 10
/* With its NUL. */
#define BACKUP_CODE_SIZE 15
#define BACKUP_CODE_HASH_SIZE 32

void backup_code_generate(char code_r[BACKUP_CODE_SIZE]);
/* As people type it: without regard to case, spaces and hyphens. Returns false
   if it cannot be a code. */
bool backup_code_parse(const char *text, char code_r[BACKUP_CODE_SIZE]);
void backup_code_hash(const struct secret_key *key, uint64_t account_id,
		      const char *code,
		      unsigned char hash_r[BACKUP_CODE_HASH_SIZE]);

#endif
