#ifndef STORAGE_KEYS_H
#define STORAGE_KEYS_H

/* The folder keys of one user, found by the id in a mail's header. They are
   opened when they are first needed, and once; what is opened is wiped by
   storage_keys_free(). One thread; a forked process has its own copy. */

#include "key-store.h"

struct dcrypt_private_key;
struct dcrypt_public_key;

struct storage_key {
	const struct crypt_key *key;
	/* Counted from 0, in the order of the store's folder keys. */
	unsigned int idx;
	/* private: NULL as long as it has not been opened */
	struct dcrypt_private_key *priv;
	const char *open_error;
};

struct storage_keys;

/* The store must live as long. With key_password = NULL nothing can be
   opened, but keys can be told apart. Returns 0, or -1 if no user key opens
   with the password. */
int storage_keys_init(const struct key_store *store, const char *key_password,
		      struct storage_keys **keys_r, const char **error_r);
void storage_keys_free(struct storage_keys **keys);

/* Returns NULL if the user has no such folder key, of whatever folder. */
struct storage_key *
storage_keys_find(struct storage_keys *keys, const char *id);
/* The key new mail of a folder is encrypted to; NULL if it has none. */
struct storage_key *
storage_keys_find_active(struct storage_keys *keys, const char *guid);
/* Returns 1 and the opened private half, which stays the keys'; 0 if it does
   not open. */
int storage_key_open(struct storage_keys *keys, struct storage_key *key,
		     struct dcrypt_private_key **priv_r, const char **error_r);
/* The opened user key, which stays the keys'; NULL if it has not been opened. */
struct dcrypt_private_key *
storage_keys_get_user(struct storage_keys *keys, const char *id);
/* The public half, if it is the one the key's id names. The caller unrefs
   *pub_r. Returns 0, or -1 on error. */
int storage_key_get_public(const struct storage_key *key,
			   struct dcrypt_public_key **pub_r,
			   const char **error_r);

#endif
