#ifndef KEY_JOURNAL_H
#define KEY_JOURNAL_H

/* What a mailbox's keys and hash were before a change, kept in its home until
   the change is done: pymailadmin.journal, mode 0600. It holds what the
   attribute dict and the users table hold, no password, and lets a run undo
   the switch without the passwords and put back keys that a crash of the host
   took out of the dict.

   Lines of tab-escaped fields separated by tabs:
     pymailadmin-journal 1
     request <id>
     hash    <hash>
     key     <user|folder> <guid> <id> <active 0|1> <wrapped> <public>
     end
   An empty <wrapped> or <public> stands for none.

   To be called with the privileges of the mail user, under the mailbox lock. */

#include "key-store.h"

#define KEY_JOURNAL_NAME "pymailadmin.journal"

struct key_journal {
	pool_t pool;
	const char *request_id;
	const char *old_hash;
	ARRAY_TYPE(crypt_key) keys;
};

/* Written and synced, replacing an older one. Returns 0, or -1 on error. */
int key_journal_write(const char *home, const char *request_id,
		      const char *old_hash, const struct key_store *store,
		      const char **error_r);
/* Returns 1 if read, 0 if there is none, -1 on error or if it is damaged. */
int key_journal_read(const char *home, struct key_journal **journal_r,
		     const char **error_r);
void key_journal_free(struct key_journal **journal);
/* Returns 0 if it is gone, -1 on error. */
int key_journal_remove(const char *home, const char **error_r);

/* Has the active user key been made after the journal? */
bool key_journal_is_renewed(const struct key_journal *journal,
			    const struct key_store *store);
/* Puts back keys of the journal that the store has lost; not those that a
   renewal removed. Sets *count_r. Returns 0, or -1 on error. */
int key_journal_restore_lost(const struct key_journal *journal,
			     struct key_store *store, unsigned int *count_r,
			     const char **error_r);
/* Puts all user keys' wrappings back as they were. Returns 0, -1 on error. */
int key_journal_undo_switch(const struct key_journal *journal,
			    struct key_store *store, const char **error_r);

#endif
