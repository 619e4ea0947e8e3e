#ifndef CHECK_KEYS_H
#define CHECK_KEYS_H

/* The keys of one mailbox, for check_user(). */

struct check;
struct key_store;

/* What can be told of them without a password. */
void check_keys(struct check *check, struct key_store *keys,
		const char *username);
/* Does the key password open them? */
void check_keys_open(struct check *check, struct key_store *keys,
		     const char *key_password);

#endif
