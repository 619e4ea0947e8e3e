#ifndef OWN_LISTS_H
#define OWN_LISTS_H

/* What an account's first page lists, kept for a second: who looks again at
   once, or looks on while something is done, costs the database nothing. What
   was changed by this process is seen at once, what others changed at most
   OWN_LISTS_MSECS later. Any thread may call these. */

#include <stdint.h>

struct account;
struct arena;
struct db;
struct domain_list;
struct mailbox_list;

#define OWN_LISTS_MSECS 1000

/* mailbox_list_own() and domain_list_names(). Returns 0. */
int own_lists_load(struct db *db, struct arena *arena,
		   const struct account *account, unsigned int domains_max,
		   struct mailbox_list *mailboxes_r,
		   struct domain_list *domains_r, const char **error_r);
/* After a change, when it is in the database. */
void own_lists_forget(void);
/* No other thread may use these any more. */
void own_lists_deinit(void);

#endif
