#ifndef DB_PRIVATE_H
#define DB_PRIVATE_H

/* What the files behind db.h share: the connection of a thread, and what was
   prepared on it. */

#include "db.h"

#include <mysql.h>

#define DB_TIMEOUT_SECS 5
/* After a failure the database is left alone for this long. */
#define DB_PAUSE_MSECS 1000
/* A statement that took longer to fail is not tried again: somebody waits. */
#define DB_RETRY_MSECS 1000
/* A power of two, and far more than there are statements. */
#define DB_STATEMENTS_MAX 512

struct db_statement {
	const char *sql;
	MYSQL_STMT *stmt;
};

struct db {
	const struct db_settings *set;
	MYSQL *mysql;
	/* A hash table by the address of the text. */
	struct db_statement statements[DB_STATEMENTS_MAX];
	unsigned int statements_count;
	bool in_transaction, unavailable;
	/* Of the last error. */
	unsigned int error_number;
	uint64_t last_insert_id;
	struct db *next;
};

/* How the way to the server is protected, and the server made sure of. */
void db_set_transport(MYSQL *mysql, const struct db_settings *set);

uint64_t db_clock_msecs(void);
/* The connection was lost, so that another one may do. */
bool db_error_is_lost(unsigned int number);

/* Connects unless it is. Returns 0 or -1. */
int db_connect(struct db *db, struct arena *arena, const char **error_r);
void db_disconnect(struct db *db);
/* Prepares the statement unless it is. NULL on error, of which the number is in
   the connection. */
MYSQL_STMT *db_prepare(struct db *db, const char *sql);
/* Remembers what failed; returns -1. */
int db_failed(struct db *db, struct arena *arena, const char *sql,
	      unsigned int number, const char *text, const char **error_r);

#endif
