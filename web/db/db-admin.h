#ifndef DB_ADMIN_H
#define DB_ADMIN_H

/* A connection of the database's administrator, for the set-up: it runs what is
   not known before, as text, and waits for it as long as it takes. The portal
   itself never has one. One thread.

   Functions return 0, or -1 with a text for the administrator in *error_r, in
   the arena or static. Never put a secret into a statement's text. */

#include "db.h"

struct db_admin;

/* With the [client] group of the option files, /root/.my.cnf too, for what is
   not set. *denied_r is set if it was refused for user or password. NULL on
   error. */
struct db_admin *db_admin_connect(const struct db_settings *set,
				  struct arena *arena, bool *denied_r,
				  const char **error_r);
void db_admin_close(struct db_admin **db);

/* The database that names without one belong to. */
int db_admin_use(struct db_admin *db, struct arena *arena, const char *name,
		 const char **error_r);
/* One statement. Rows are of texts, in the arena; rows_r may be NULL. */
int db_admin_run(struct db_admin *db, struct arena *arena, const char *sql,
		 struct db_rows *rows_r, const char **error_r);
/* A statement with values, which select nothing and are not in its text. */
int db_admin_execute(struct db_admin *db, struct arena *arena, const char *sql,
		     const char *const *values, unsigned int count,
		     const char **error_r);
/* Of the last statement. */
uint64_t db_admin_affected(const struct db_admin *db);

/* 'text', in the arena. */
const char *db_admin_quote(struct db_admin *db, struct arena *arena,
			   const char *text);
/* `name`, in the arena. */
const char *db_quote_name(struct arena *arena, const char *name);

#endif
