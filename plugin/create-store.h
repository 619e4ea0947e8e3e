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

/* Of 0012-commands.sql: why nothing is filed. */
enum create_file_result {
	CREATE_FILE_DONE,
	/* It is no address that a mailbox may have. */
	CREATE_FILE_MALFORMED,
	CREATE_FILE_UNKNOWN_DOMAIN,
	/* The portal has no such account, or it is not active. */
	CREATE_FILE_UNKNOWN_OWNER,
	CREATE_FILE_TAKEN,
	/* Of a mailbox that was deleted. */
	CREATE_FILE_RESERVED,
	CREATE_FILE_BUSY,

	CREATE_FILE_RESULT_COUNT
};

/* File a request of an administrator, who is not asked for the mailbox's limits
   but for its quota in bytes. owner is the e-mail address of the account that
   gets the mailbox, or "". text says for the history who asked. Returns 0 and
   the answer, or -1 on error. */
int create_store_file(struct request_store *store,
		      const struct request_row *row, uint64_t quota,
		      const char *owner, const char *text,
		      enum create_file_result *result_r, const char **error_r);
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
/* End a request that came to nothing, before switched: the row goes with it. */
int create_store_end(struct request_store *store, struct request_row *row,
		     enum request_state state, const char *outcome,
		     const char *reason, enum create_store_result *result_r,
		     const char **error_r);

#endif
