#ifndef TOKEN_H
#define TOKEN_H

/* Random words that prove something by being known: session ids, and what the
   link of a mail carries. 256 random bits as lower case hex; the database has
   only their SHA-256. Pure; any thread. */

#include <stdbool.h>

#define TOKEN_LEN 64
#define TOKEN_SIZE (TOKEN_LEN + 1)
#define TOKEN_HASH_SIZE 32

void token_generate(char token_r[TOKEN_SIZE]);
/* Returns false if the text cannot be a token; text may be NULL. */
bool token_hash(const char *text, unsigned char hash_r[TOKEN_HASH_SIZE]);

#endif
