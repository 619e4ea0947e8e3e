#ifndef SECRET_KEY_H
#define SECRET_KEY_H

/* The portal's own secret: 32 random bytes in a file that only it can read.
   Encrypts TOTP secrets and keys the hashes of backup codes and of what is rate
   limited. For each purpose another key is derived from it. Any thread. */

#include <stddef.h>

#define SECRET_KEY_SIZE 32

struct secret_key {
	unsigned char bytes[SECRET_KEY_SIZE];
};

/* Parses 64 lower case hex digits; one newline may follow. Returns 0, or -1 with
   a static text. */
int secret_key_parse(const char *text, struct secret_key *key_r,
		     const char **error_r);
/* Reads the file. Returns 0, or -1 with a static text, also if others than its
   owner and group may read the file. */
int secret_key_read(const char *path, struct secret_key *key_r,
		    const char **error_r);
void secret_key_wipe(struct secret_key *key);

/* HMAC-SHA-256 of the data with the key of a purpose, which is a static word of
   ours. */
void secret_key_hmac(const struct secret_key *key, const char *purpose,
		     const void *data, size_t size,
		     unsigned char hmac_r[SECRET_KEY_SIZE]);

#endif
