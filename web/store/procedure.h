#ifndef PROCEDURE_H
#define PROCEDURE_H

/* Procedures of sql/ that select one result: what was done, or why nothing was.
   Conventions: account.h. */

struct arena;
struct db;
struct db_value;

/* Calls it in a transaction of its own, so that it is done once or not at all;
   never in another one. Returns 0 with the result's name. */
int procedure_call(struct db *db, struct arena *arena, const char *sql,
		   const struct db_value *params, unsigned int count,
		   const char **result_r, const char **error_r);

#endif
