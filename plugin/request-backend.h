#ifndef REQUEST_BACKEND_H
#define REQUEST_BACKEND_H

/* Which of several mail hosts works on what: a request is of a backend, the one
   its mailbox is on, and only hosts that are called so (pymailadmin_backend)
   take it. Conventions: request-store.h. */

#include "request-store.h"

/* A host whose timer has not run for more minutes is taken for silent. */
#define REQUEST_BACKEND_SILENT_MINUTES "5"

#define REQUEST_BACKEND_SQL_WORKS(last_run_at) \
	last_run_at ">UTC_TIMESTAMP()-INTERVAL " \
	REQUEST_BACKEND_SILENT_MINUTES " MINUTE"
#define REQUEST_BACKEND_SQL_SILENT(name) \
	"NOT EXISTS (SELECT 1 FROM pymailadmin_heartbeat h " \
	"WHERE h.backend<=>" name " AND " \
	REQUEST_BACKEND_SQL_WORKS("h.last_run_at") ")"

enum request_backend_claim {
	REQUEST_BACKEND_CLAIM_DONE,
	/* Somebody else took it since the row was read, or has it still. */
	REQUEST_BACKEND_CLAIM_LOST,
	/* Its mailbox is on another backend now, whose hosts take it. */
	REQUEST_BACKEND_CLAIM_MOVED,
	/* It is another backend's. */
	REQUEST_BACKEND_CLAIM_ELSEWHERE,

	REQUEST_BACKEND_CLAIM_COUNT
};

/* Take a request for owner, if its mailbox is on this host's backend. Sets
   row->state and row->claimed_by when done. */
int request_backend_claim(struct request_store *store, struct request_row *row,
			  const char *owner,
			  enum request_backend_claim *result_r,
			  const char **error_r);

/* The backend a mailbox is on. Returns 1, or 0 if that of hosts without a
   name. */
int request_backend_of(struct request_store *store, const char *address,
		       const char **backend_r, const char **error_r);

/* Is this the backend of this host? NULL is that of hosts without a name. */
bool request_backend_is_ours(struct request_store *store,
			     const char *backend);

/* Tell others that this host works. */
int request_backend_heartbeat(struct request_store *store, const char *host,
			      const char *seal_key_id, const char **error_r);

#endif
