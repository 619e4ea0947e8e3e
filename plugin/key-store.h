#ifndef KEY_STORE_H
#define KEY_STORE_H

/* The mail_crypt keys of one user, read from the user's attribute dict at once
   and changed in one dict transaction. The layout is in mail-crypt-compat.h.

   No mailbox is opened: neither namespaces nor an INBOX are needed. Whoever
   writes must hold the mailbox lock exclusively. One thread. Everything read
   belongs to the store and goes with it. */

#include "crypt-key.h"

struct mail_user;

ARRAY_DEFINE_TYPE(crypt_key, struct crypt_key *);

struct key_store {
	pool_t pool;
	struct event *event;
	struct dict *dict;
	const struct dict_op_settings *op_set;
	/* File to sync after a change; NULL if the dict is not a file. */
	const char *file_path;
	/* Why keys can neither be listed nor changed here, and none are listed;
	   NULL if they can. */
	const char *unusable_reason;

	/* In no particular order. */
	ARRAY_TYPE(crypt_key) user_keys, folder_keys;
	/* GUIDs of folders whose keys are shared with other users. */
	ARRAY_TYPE(const_string) shared_guids;
};

/* Reads the keys. Returns 1 if read or unusable, 0 if the user has no attribute
   dict and so no keys, -1 on error. */
int key_store_open(struct mail_user *user, struct key_store **store_r,
		   const char **error_r);
/* The same without reading any keys, for whoever only asks where they are. */
int key_store_open_unread(struct mail_user *user, struct key_store **store_r,
			  const char **error_r);
void key_store_close(struct key_store **store);

bool key_store_guid_is_shared(const struct key_store *store, const char *guid);

/* A change of several keys, all or nothing. */
struct key_store_change;

struct key_store_change *key_store_change_begin(struct key_store *store);
void key_store_change_set_private(struct key_store_change *change,
				  const struct crypt_key *key,
				  const char *wrapped);
void key_store_change_set_public(struct key_store_change *change,
				 const struct crypt_key *key,
				 const char *text);
void key_store_change_set_active(struct key_store_change *change,
				 const struct crypt_key *key);
/* Says that the mailbox the key hangs on has none that is active. */
void key_store_change_unset_active(struct key_store_change *change,
				   const struct crypt_key *key);
/* Removes both halves. */
void key_store_change_remove(struct key_store_change *change,
			     const struct crypt_key *key);
/* Writes the change and syncs it to the disk. Returns 0 if that is done, -1 if
   it may or may not be: opening the store again tells. */
int key_store_change_commit(struct key_store_change **change,
			    const char **error_r);
void key_store_change_rollback(struct key_store_change **change);

#endif
