#ifndef DELETION_STORE_H
#define DELETION_STORE_H

/* What a request of kind delete does in the database, beside request-store.h,
   whose conventions hold. */

#include "request-store.h"

/* Nobody's password goes with the row: was it filed by an administrator of this
   host or by a super admin of the portal? Returns 1, or 0 if not. */
int deletion_store_is_trusted(struct request_store *store,
			      const struct request_row *row,
			      const char **error_r);
/* Give a claimed row back as one that has been verified: the sealed part is
   wiped, and it can be canceled until it is claimed again. Returns 1, or 0 if
   it is not ours. */
int deletion_store_confirm(struct request_store *store,
			   struct request_row *row, const char **error_r);
/* Has that been done? */
bool deletion_is_confirmed(const struct request_row *row);
/* Is something else being done to the mailbox? Returns 1 with a text, 0. */
int deletion_store_find_other(struct request_store *store,
			      const struct request_row *row,
			      const char **text_r, const char **error_r);
/* Other mailboxes whose home would be the same if homes were made of too little:
   of the same name in other domains, and some others. Returns 0. */
int deletion_store_list_neighbours(struct request_store *store,
				   const char *address, pool_t pool,
				   ARRAY_TYPE(const_string) *addresses,
				   const char **error_r);
/* Remove the rows of a mailbox, in state rekeying, and reserve its address. The
   home, NULL if it is not known, is noted. Returns 1, or 0 if the request is not
   ours. */
int deletion_store_finish(struct request_store *store,
			  const struct request_row *row, const char *home,
			  unsigned int reserve_secs, const char **error_r);
/* What was noted. Returns 1, or 0 if nothing was. */
int deletion_store_get_home(struct request_store *store,
			    const struct request_row *row,
			    const char **home_r, const char **error_r);

/* End a reservation. Returns 1, or 0 if there is none. */
int deletion_store_free_address(struct request_store *store,
				const char *address, const char **error_r);

#endif
