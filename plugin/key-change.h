#ifndef KEY_CHANGE_H
#define KEY_CHANGE_H

#include "key-store.h"

/* The change of one user's mail_crypt keys from an old to a new key password.

   The costly part, opening and wrapping keys, is done by key_change_prepare()
   and may be done without the mailbox lock; done again under the lock it only
   has to do what has changed since. Everything that writes must be called
   under the lock, with the store that was prepared last.

   One thread. Keys and passwords are wiped by key_change_free(). */

struct key_change;

struct key_change_params {
	struct event *event;
	/* Key passwords, not login passwords. */
	const char *old_password, *new_password;
	/* Also make new user and folder keys, on this curve; NULL for none. */
	const char *renewal_curve;
	/* Never remove old user keys: other users' keys may depend on them. */
	bool keep_user_keys;
};

struct key_change *key_change_new(const struct key_change_params *params);
void key_change_free(struct key_change **change);

/* If user keys hang on several GUIDs (INBOX got a new one), only those on
   INBOX's have to open; the rest is left alone. */
void key_change_set_inbox_guid(struct key_change *change, const char *guid);
/* Do user keys hang on several GUIDs? */
bool key_change_needs_inbox_guid(struct key_store *store);

/* Prove that each user key opens with the old password, or with the new one if
   a run before this one has changed it already. Returns 1 if they do, 0 if one
   does not (error_r says which and why), -1 on error. */
int key_change_prepare(struct key_change *change, struct key_store *store,
		       const char **error_r);

/* Wrap all user keys with the new password. Returns 0 if they are, -1 if they
   may or may not be. */
int key_change_switch(struct key_change *change, struct key_store *store,
		      const char **error_r);

/* Make the new user key and new folder keys and wrap the old folder keys to
   it. Returns 1 if done, 0 if there is no user key and so nothing to do, -1
   if it may or may not be done. */
int key_change_renew(struct key_change *change, struct key_store *store,
		     const char **error_r);

/* Is everything in the store, read again, as the switch or the renewal wrote
   it? Returns 0 if it is, -1 if not. */
int key_change_check_switch(struct key_change *change,
			    struct key_store *store, const char **error_r);
int key_change_check_renewal(struct key_change *change,
			     struct key_store *store, const char **error_r);

/* Folder keys that no user key opens, left alone. */
unsigned int key_change_get_unopened_count(const struct key_change *change);

#endif
