#ifndef SQL_RUN_H
#define SQL_RUN_H

/* Statements of lib-sql, run to their end. what names the statement in errors:
   "sql(what) failed: reason". */

struct sql_db;
struct sql_result;
struct sql_statement;

/* Has a statement failed because the server could not be connected to? To try
   again is of use only in another process: libmariadb 3.4 crashes when Dovecot
   2.4 connects a handle anew with which that has failed, which it does as soon
   as it is asked again after its delay. */
bool sql_run_has_lost_server(void);

/* Sets the error. Returns -1. */
int sql_run_failed(const char *what, const char *error, const char **error_r);

/* An update. Returns the number of changed rows, -1 on error. */
int sql_run_update(struct sql_db *db, struct sql_statement *stmt,
		   const char *what, const char **error_r);

/* A query for one row's one column. Returns 1 and the value, 0 if there is no
   row or the value is NULL, -1 on error. */
int sql_run_lookup(struct sql_statement *stmt, const char *what,
		   const char **value_r, const char **error_r);

/* A number of a row of a result; 0 if it is NULL, or no number. */
uint64_t sql_run_field_uint64(struct sql_result *result, unsigned int idx);

/* Appends a character that LIKE is to take as it is, with ESCAPE '|', which
   works in any sql_mode. */
void sql_run_append_like_c(string_t *like, char c);

#endif
