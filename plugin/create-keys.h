#ifndef CREATE_KEYS_H
#define CREATE_KEYS_H

/* The first mail_crypt keys of a mailbox: a user key under the key password,
   and a folder key, wrapped to it, for each folder there is. Nobody must be
   able to deliver meanwhile. One thread. */

#include "key-store.h"

struct create_keys_params {
	const char *curve;
	/* Not the login password. */
	const char *key_password;
	const char *inbox_guid;
	/* INBOX's among them, each once. */
	const ARRAY_TYPE(const_string) *folder_guids;
};

/* Is every key in the store one that the key password opens, directly or by
   such a user key? Then there is nothing of an older mailbox. Returns 1 if so,
   or if there are no keys, 0 if not (error_r says which), -1 on error. */
int create_keys_are_ours(struct key_store *store, const char *key_password,
			 const char **error_r);
/* Are they just the keys that are wanted, and do they all open? Returns 1 if
   so, 0 if not, -1 on error. */
int create_keys_prove(struct key_store *store,
		      const struct create_keys_params *params,
		      const char **error_r);
/* Replaces whatever keys there are, of which create_keys_are_ours(), by new
   ones, synced to the disk. Returns 0 if they are written, -1 if they may or
   may not be. */
int create_keys_write(struct key_store *store,
		      const struct create_keys_params *params,
		      const char **error_r);
/* Removes all keys there are. Returns as create_keys_write(). */
int create_keys_remove(struct key_store *store, const char **error_r);

#endif
