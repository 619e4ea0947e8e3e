#ifndef KEY_CHANGE_PRIVATE_H
#define KEY_CHANGE_PRIVATE_H

/* What the parts of a key change share: key-change.c has the user keys and
   their password, key-renewal.c the making of new keys, key-prepared.c what
   has been opened and wrapped so far. */

#include "hash.h"
#include "key-change.h"

struct dcrypt_private_key;
struct dcrypt_public_key;

/* A key's private half is opened once, and its new wrapping made once: before
   the lock is taken, if it is there by then. */
struct prepared_key {
	/* The text this was made from. */
	const char *wrapped;
	/* NULL for a folder key. */
	struct dcrypt_private_key *priv;
	/* The text to store instead; NULL for a folder key that nothing
	   opens. */
	const char *new_wrapped;
};

struct new_key {
	struct crypt_key key;
	struct dcrypt_private_key *priv;
	struct dcrypt_public_key *pub;
	const char *wrapped, *public_text;
};

struct key_change {
	pool_t pool;
	struct event *event;
	struct key_change_params params;
	const char *inbox_guid;

	/* by crypt_key_name() */
	HASH_TABLE(const char *, struct prepared_key *) prepared;
	/* by GUID */
	HASH_TABLE(const char *, struct new_key *) new_folder_keys;
	struct new_key *new_user_key;

	unsigned int unopened_count;
};

/* Returns NULL if the key is not prepared, or has changed since. */
struct prepared_key *
key_change_find(struct key_change *change, const struct crypt_key *key);
/* An empty entry for the key, as it is now. */
struct prepared_key *
key_change_add(struct key_change *change, const struct crypt_key *key);
/* Does it hang on an INBOX that is no more? */
bool key_change_is_abandoned(const struct key_change *change,
			     const struct crypt_key *key);
/* What was wrapped must open again before it may replace anything. Returns 0
   if it does, -1 if not. */
int key_change_check_wrapped(const struct crypt_key *key, const char *wrapped,
			     const char *password,
			     struct dcrypt_private_key *by,
			     const char **error_r);

/* The part of key_change_prepare() that is about new keys. */
int key_renewal_prepare(struct key_change *change, struct key_store *store,
			const char **error_r);
void key_renewal_free(struct key_change *change);

#endif
