#ifndef CREATE_STORE_H
#define CREATE_STORE_H

/* The database's part of a request of kind create, by the procedures of
   0007-creation.sql: each is one transaction, and does nothing unless the
   request is the caller's, as row says. As with request-store.h, what was
   written is unknown after an error. */

#include "request-store.h"

/* What a procedure answers. */
enum create_store_result {
	CREATE_STORE_DONE,
	/* The request is not ours in that state. */
	CREATE_STORE_LOST,
	/* Nothing is written: the request does not say a quota, its domain is
	   unknown, the address is a mailbox or an alias, the row is gone. */
	CREATE_STORE_QUOTA,
	CREATE_STORE_UNKNOWN_DOMAIN,
	CREATE_STORE_TAKEN,
	CREATE_STORE_UNKNOWN_MAILBOX,

	CREATE_STORE_RESULT_COUNT
};

/* Insert the mailbox, not active, with this hash: claimed -> switching. Returns
   0 and the answer, or -1 on error. */
int create_store_begin(struct request_store *store, struct request_row *row,
		       const char *hash, enum create_store_result *result_r,
		       const char **error_r);
/* Make it active, if it still has the hash: switching -> switched. */
int create_store_activate(struct request_store *store,
			  struct request_row *row, const char *hash,
			  enum create_store_result *result_r,
			  const char **error_r);
/* End a request that came to nothing, before switched: the row and the
   reservation of the address go with it. */
int create_store_end(struct request_store *store, struct request_row *row,
		     enum request_state state, const char *outcome,
		     const char *reason, enum create_store_result *result_r,
		     const char **error_r);

#endif
