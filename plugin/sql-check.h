#ifndef SQL_CHECK_H
#define SQL_CHECK_H

/* Is everything in the database that pymailadmin needs? Each right is tried
   with a statement that touches no row. */

struct request_store;

/* Of sql/, as pymailadmin_schema_version has it. */
#define SQL_SCHEMA_VERSION 12

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

/* Seconds since the host last looked for requests. Returns 1, 0 if it never
   did, -1 on error. */
int sql_check_last_run(struct request_store *store, const char *host,
		       unsigned int *secs_r, const char **error_r);

#endif
