#ifndef SQL_CHECK_H
#define SQL_CHECK_H

/* Is everything in the database that pymailadmin needs? Each right is tried
   with a statement that touches no row. */

struct request_store;

/* The least version of sql/ that will do. */
#define SQL_SCHEMA_VERSION 14

enum sql_check_fault {
	/* A table, view or column is missing or is not as it should be. */
	SQL_CHECK_TABLE,
	/* The account lacks a right. */
	SQL_CHECK_DENIED
};

/* The server's version. Returns 0, or -1 if it cannot be reached. */
int sql_check_server(struct request_store *store, const char **version_r,
		     const char **error_r);

/* Tries all tables and rights until one has this fault: returns FALSE with
   what it is. */
bool sql_check_all(struct request_store *store, enum sql_check_fault fault,
		   const char **error_r);

/* Returns 1 if it is known, 0 if not, -1 on error. */
int sql_check_schema_version(struct request_store *store,
			     unsigned int *version_r, const char **error_r);

/* May requests be worked on in these tables? Returns 1, 0 if they are older
   than needed or newer than known, with what to do, -1 on error. */
int sql_check_schema(struct request_store *store, const char **error_r);
/* How many mailboxes are closed without an end, until a run has repaired them?
   Returns 1, or -1 on error. */
int sql_check_switching(struct request_store *store, unsigned int *count_r,
			const char **error_r);

#define SQL_CHECK_MAILBOXES_MAX "5000"
/* Of so many mailboxes: are there any on this host's backend, or not?
   Returns 1, with the others' backends in *others_r, 0, or -1 on error. */
int sql_check_mailboxes(struct request_store *store, bool ours,
			const char **others_r, const char **error_r);
/* Are there more mailboxes than that? Returns 1 if so, 0 if not, -1 on error. */
int sql_check_has_more_mailboxes(struct request_store *store,
				 const char **error_r);
/* Backends with open requests of which no host has been heard of lately.
   Returns 1 with their names, 0 if there are none, -1 on error. */
int sql_check_lost_requests(struct request_store *store,
			    const char **backends_r, const char **error_r);
/* Hosts that work with another seal key than this one, likewise. */
int sql_check_other_keys(struct request_store *store, const char *host,
			 const char **hosts_r, const char **error_r);
/* Other hosts of the same backend that work beside this one, likewise. */
int sql_check_same_backend(struct request_store *store, const char *host,
			   const char **hosts_r, const char **error_r);

/* Seconds since the host last looked for requests. Returns 1, 0 if it never
   did, -1 on error. */
int sql_check_last_run(struct request_store *store, const char *host,
		       unsigned int *secs_r, const char **error_r);

#endif
