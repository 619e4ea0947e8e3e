#ifndef DB_H
#define DB_H

/* The portal's connection to MariaDB: prepared statements only, whose text is
   static and is kept prepared by its address. Each thread has its own
   connection, made when it is first needed and made again when it was lost. The
   only files that know libmariadb are behind this header.

   Connections speak utf8mb4 and UTC, in a strict sql_mode and READ COMMITTED.
   Connecting, reading and writing each give up after 5 seconds, and for one
   second after the database could not be reached nobody tries again: all fail
   at once.

   A statement that fails because the connection was lost is tried once again on
   a new one, unless it is part of a transaction: outside of one, only run what
   does no harm when run twice.

   Functions return -1 on error, with a text for the administrator in *error_r
   that names the statement by its first words, never values. It is in the
   arena given, or static. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;
struct settings;

/* Where the database is. Strings are static or outlive all connections; NULL,
   "" or 0 if not set. */
struct db_settings {
	/* A socket is preferred to host and port. */
	const char *socket, *host;
	unsigned int port;
	const char *name, *user, *password;
	/* With a CA the server must prove to be host by a certificate of it,
	   and without TLS there is no connection. */
	const char *tls_ca, *tls_cert, *tls_key;
};

/* From the portal's settings, whose strings are used. */
void db_settings_init(struct db_settings *db_set, const struct settings *set);

enum db_type {
	DB_TYPE_NULL,
	DB_TYPE_TEXT,
	DB_TYPE_BYTES,
	DB_TYPE_UINT
};

/* A parameter, or a column of a row: integers are UINT; a time or a number with
   a fraction must be cast by the statement. */
struct db_value {
	enum db_type type;
	/* TEXT and BYTES; followed by a NUL in rows. */
	const char *data;
	size_t size;
	uint64_t number;
};

#define DB_NULL ((struct db_value){ .type = DB_TYPE_NULL })
#define DB_UINT(value) \
	((struct db_value){ .type = DB_TYPE_UINT, .number = (value) })
#define DB_BYTES(bytes, length) \
	((struct db_value){ .type = DB_TYPE_BYTES, .data = (const void *)(bytes), \
			    .size = (length) })
/* NULL becomes SQL's NULL. */
struct db_value db_text(const char *text);

struct db_row {
	const struct db_value *values;
};

struct db_rows {
	struct db_row *rows;
	size_t count;
	unsigned int columns;
};

/* "" for NULL. */
const char *db_value_text(const struct db_value *value);
/* 0 for NULL, a negative number, or what is no number. */
uint64_t db_value_uint(const struct db_value *value);
bool db_value_is_null(const struct db_value *value);

/* DATETIME columns are UTC and leave the database as seconds since the epoch,
   whatever the time zone of a session is. col is the name of a column. */
#define DB_TO_EPOCH(col) \
	"TIMESTAMPDIFF(SECOND,'1970-01-01 00:00:00'," col ")"
#define DB_NOW DB_TO_EPOCH("UTC_TIMESTAMP()")

/* Where our text meets a column of the mail server's tables: their collation is
   not known, and yields only to this. */
#define DB_FOREIGN(expression) "CAST(" expression " AS CHAR)"

/* This thread's connection; it need not be there yet. The settings must be the
   same each time. */
struct db *db_get(const struct db_settings *set);
/* Closes those of all threads; none may be in use. */
void db_deinit(void);
/* The last error was that the database cannot be reached, refuses work, or
   takes too long: later it may go. */
bool db_is_unavailable(const struct db *db);

/* params may be NULL if count is 0. Rows are in the arena. Returns 0. What a
   CALL selects first are the rows. */
int db_query(struct db *db, struct arena *arena, const char *sql,
	     const struct db_value *params, unsigned int count,
	     struct db_rows *rows_r, const char **error_r);
/* Like db_query() for at most one row: returns 1 with it, 0 if there is none. */
int db_query_row(struct db *db, struct arena *arena, const char *sql,
		 const struct db_value *params, unsigned int count,
		 const struct db_value **row_r, const char **error_r);
/* Returns 1, with the number of affected rows in *affected_r (may be NULL), or
   0 if a unique key has refused it. */
int db_execute(struct db *db, struct arena *arena, const char *sql,
	       const struct db_value *params, unsigned int count,
	       uint64_t *affected_r, const char **error_r);
/* AUTO_INCREMENT of the last INSERT. */
uint64_t db_last_insert_id(const struct db *db);

/* Runs the function in a transaction, again if it met a deadlock, a row that
   changed meanwhile, or a lost connection, at most a few times: what it does
   outside the database must bear that. Commits if it returns 1, rolls back if
   it returns 0 or -1, and returns what it returned; -1 also if the commit
   fails: whether anything was written is unknown then. Must not be nested. */
typedef int db_transaction_t(struct db *db, void *context,
			     const char **error_r);
int db_transaction(struct db *db, struct arena *arena,
		   db_transaction_t *function, void *context,
		   const char **error_r);
/* In a transaction of this thread? */
bool db_in_transaction(const struct db *db);

#endif
