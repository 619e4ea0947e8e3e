#define _GNU_SOURCE /* explicit_bzero() */
#include "db.h"
#include "db-private.h"
#include "arena.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX 32
#define TRANSACTION_TRIES 4
#define STATEMENT_TRIES 4

struct db_value db_text(const char *text)
{
	if (text == NULL)
		return DB_NULL;
	return (struct db_value){ .type = DB_TYPE_TEXT, .data = text,
				  .size = strlen(text) };
}

const char *db_value_text(const struct db_value *value)
{
	return value->data == NULL ? "" : value->data;
}

uint64_t db_value_uint(const struct db_value *value)
{
	return value->type == DB_TYPE_UINT ? value->number : 0;
}

bool db_value_is_null(const struct db_value *value)
{
	return value->type == DB_TYPE_NULL;
}

bool db_is_unavailable(const struct db *db)
{
	return db->unavailable;
}

bool db_in_transaction(const struct db *db)
{
	return db->in_transaction;
}

uint64_t db_last_insert_id(const struct db *db)
{
	return db->last_insert_id;
}

static int statement_failed(struct db *db, struct arena *arena,
			    const char *sql, MYSQL_STMT *stmt,
			    const char **error_r)
{
	return db_failed(db, arena, sql, mysql_stmt_errno(stmt),
			 mysql_stmt_error(stmt), error_r);
}

static void bind_param(MYSQL_BIND *bind, const struct db_value *param)
{
	switch (param->type) {
	case DB_TYPE_NULL:
		bind->buffer_type = MYSQL_TYPE_NULL;
		break;
	case DB_TYPE_UINT:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->is_unsigned = 1;
		bind->buffer = (void *)(uintptr_t)&param->number;
		break;
	case DB_TYPE_TEXT:
	case DB_TYPE_BYTES:
		bind->buffer_type = param->type == DB_TYPE_TEXT ?
			MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
		bind->buffer = (void *)(uintptr_t)
			(param->data == NULL ? "" : param->data);
		bind->buffer_length = param->size;
		break;
	}
}

static int execute(struct db *db, struct arena *arena, const char *sql,
		   MYSQL_STMT *stmt, const struct db_value *params,
		   unsigned int count, const char **error_r)
{
	MYSQL_BIND binds[PARAMS_MAX];
	unsigned int i;

	if (count > PARAMS_MAX || mysql_stmt_param_count(stmt) != count)
		abort();
	memset(binds, 0, sizeof(binds));
	for (i = 0; i < count; i++)
		bind_param(&binds[i], &params[i]);
	if ((count > 0 && mysql_stmt_bind_param(stmt, binds) != 0) ||
	    mysql_stmt_execute(stmt) != 0)
		return statement_failed(db, arena, sql, stmt, error_r);
	return 0;
}

static bool is_number(const MYSQL_FIELD *field)
{
	switch (field->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return true;
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		/* what signed and unsigned integers have in common */
		return field->decimals == 0;
	default:
		return false;
	}
}

/* A column of the current row, as long as it is. */
static int fetch_column(MYSQL_STMT *stmt, struct arena *arena,
			const MYSQL_FIELD *field, unsigned int column,
			struct db_value *value_r)
{
	MYSQL_BIND bind;
	unsigned long length = 0;
	my_bool is_null = 0;
	long long number = 0;
	char shorter[64], *data;

	memset(&bind, 0, sizeof(bind));
	bind.length = &length;
	bind.is_null = &is_null;
	if (is_number(field)) {
		bind.buffer_type = MYSQL_TYPE_LONGLONG;
		bind.buffer = &number;
		bind.buffer_length = sizeof(number);
		bind.is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
		if (mysql_stmt_fetch_column(stmt, &bind, column, 0) != 0)
			return -1;
		if (!is_null)
			*value_r = DB_UINT(bind.is_unsigned || number >= 0 ?
					   (uint64_t)number : 0);
		return 0;
	}
	/* most are short, and need not be asked for their length first */
	bind.buffer_type = MYSQL_TYPE_STRING;
	bind.buffer = shorter;
	bind.buffer_length = sizeof(shorter);
	if (mysql_stmt_fetch_column(stmt, &bind, column, 0) != 0)
		return -1;
	if (is_null)
		return 0;
	data = arena_alloc(arena, length + 1);
	if (length <= sizeof(shorter)) {
		memcpy(data, shorter, length);
		explicit_bzero(shorter, length);
	} else {
		explicit_bzero(shorter, sizeof(shorter));
		bind.buffer = data;
		bind.buffer_length = length;
		if (mysql_stmt_fetch_column(stmt, &bind, column, 0) != 0)
			return -1;
	}
	*value_r = (struct db_value){ .type = field->charsetnr == 63 ?
		DB_TYPE_BYTES : DB_TYPE_TEXT, .data = data, .size = length };
	return 0;
}

static int fetch_rows(MYSQL_STMT *stmt, struct arena *arena,
		      const MYSQL_FIELD *fields, struct db_rows *rows)
{
	struct db_value *values;
	size_t i;
	unsigned int column;

	rows->count = mysql_stmt_num_rows(stmt);
	rows->rows = arena_new(arena, struct db_row, rows->count + 1);
	for (i = 0; i < rows->count; i++) {
		const int ret = mysql_stmt_fetch(stmt);

		if (ret != 0 && ret != MYSQL_DATA_TRUNCATED)
			return -1;
		values = arena_new(arena, struct db_value, rows->columns + 1);
		for (column = 0; column < rows->columns; column++) {
			if (fetch_column(stmt, arena, &fields[column], column,
					 &values[column]) < 0)
				return -1;
		}
		rows->rows[i].values = values;
	}
	return 0;
}

static int read_rows(struct db *db, struct arena *arena, const char *sql,
		     MYSQL_STMT *stmt, struct db_rows *rows_r,
		     const char **error_r)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
	struct db_rows rows = { NULL, 0, 0 };
	int ret;

	/* the result of a procedure that selects nothing */
	if (meta == NULL) {
		*rows_r = rows;
		return 0;
	}
	rows.columns = mysql_num_fields(meta);
	ret = mysql_stmt_store_result(stmt) != 0 ? -1 :
		fetch_rows(stmt, arena, mysql_fetch_fields(meta), &rows);
	if (ret < 0)
		(void)statement_failed(db, arena, sql, stmt, error_r);
	mysql_free_result(meta);
	(void)mysql_stmt_free_result(stmt);
	if (ret == 0)
		*rows_r = rows;
	return ret;
}

/* A CALL answers with its rows, and then with how it ended. */
static int skip_results(struct db *db, struct arena *arena, const char *sql,
			MYSQL_STMT *stmt, const char **error_r)
{
	int ret;

	while ((ret = mysql_stmt_next_result(stmt)) == 0)
		(void)mysql_stmt_free_result(stmt);
	return ret > 0 ? statement_failed(db, arena, sql, stmt, error_r) : 0;
}

/* With rows_r the statement has a result. */
static int run_once(struct db *db, struct arena *arena, const char *sql,
		    const struct db_value *params, unsigned int count,
		    struct db_rows *rows_r, uint64_t *affected_r,
		    const char **error_r)
{
	MYSQL_STMT *stmt;
	int ret;

	db->error_number = 0;
	db->unavailable = false;
	if (db_connect(db, arena, error_r) < 0)
		return -1;
	stmt = db_prepare(db, sql);
	if (stmt == NULL)
		return db_failed(db, arena, sql, db->error_number,
				 "it cannot be prepared", error_r);
	ret = execute(db, arena, sql, stmt, params, count, error_r);
	if (ret == 0) {
		*affected_r = mysql_stmt_affected_rows(stmt);
		db->last_insert_id = mysql_stmt_insert_id(stmt);
	}
	if (ret == 0 && rows_r != NULL)
		ret = read_rows(db, arena, sql, stmt, rows_r, error_r);
	if (ret == 0 && mysql_stmt_more_results(stmt))
		ret = skip_results(db, arena, sql, stmt, error_r);
	/* half a result in the line would be the next statement's */
	if (ret < 0 && mysql_stmt_reset(stmt) != 0 && !db->in_transaction)
		db_disconnect(db);
	return ret;
}

/* The server has taken back what was done, so that it may be done again. */
static bool error_is_conflict(unsigned int number)
{
	return number == ER_LOCK_DEADLOCK || number == ER_CHECKREAD;
}

static int run(struct db *db, struct arena *arena, const char *sql,
	       const struct db_value *params, unsigned int count,
	       struct db_rows *rows_r, uint64_t *affected_r,
	       const char **error_r)
{
	const uint64_t begun = db_clock_msecs();
	unsigned int i, tries = STATEMENT_TRIES;
	bool lost;
	int ret;

	for (i = 0;; i++) {
		ret = run_once(db, arena, sql, params, count, rows_r,
			       affected_r, error_r);
		lost = ret < 0 && db_error_is_lost(db->error_number);
		if (lost)
			db_disconnect(db);
		if (ret == 0 || db->in_transaction || i + 1 >= tries ||
		    db_clock_msecs() - begun >= DB_RETRY_MSECS ||
		    (!lost && !error_is_conflict(db->error_number)))
			return ret;
		/* one more connection is enough to know */
		if (lost)
			tries = i + 2;
	}
}

int db_query(struct db *db, struct arena *arena, const char *sql,
	     const struct db_value *params, unsigned int count,
	     struct db_rows *rows_r, const char **error_r)
{
	uint64_t affected;

	return run(db, arena, sql, params, count, rows_r, &affected, error_r);
}

int db_query_row(struct db *db, struct arena *arena, const char *sql,
		 const struct db_value *params, unsigned int count,
		 const struct db_value **row_r, const char **error_r)
{
	struct db_rows rows;

	if (db_query(db, arena, sql, params, count, &rows, error_r) < 0)
		return -1;
	if (rows.count == 0)
		return 0;
	*row_r = rows.rows[0].values;
	return 1;
}

int db_execute(struct db *db, struct arena *arena, const char *sql,
	       const struct db_value *params, unsigned int count,
	       uint64_t *affected_r, const char **error_r)
{
	uint64_t affected;

	if (run(db, arena, sql, params, count, NULL, &affected, error_r) < 0)
		return db->error_number == ER_DUP_ENTRY ? 0 : -1;
	if (affected_r != NULL)
		*affected_r = affected;
	return 1;
}

static int command(struct db *db, struct arena *arena, const char *sql,
		   const char **error_r)
{
	if (db_connect(db, arena, error_r) < 0)
		return -1;
	if (mysql_query(db->mysql, sql) == 0)
		return 0;
	(void)db_failed(db, arena, sql, mysql_errno(db->mysql),
			mysql_error(db->mysql), error_r);
	if (db_error_is_lost(db->error_number))
		db_disconnect(db);
	return -1;
}

static void rollback(struct db *db, struct arena *arena)
{
	const unsigned int number = db->error_number;
	const bool unavailable = db->unavailable;
	const char *error;

	db->in_transaction = false;
	/* if it cannot be asked to forget, it is left */
	if (db->mysql != NULL && command(db, arena, "ROLLBACK", &error) < 0)
		db_disconnect(db);
	db->error_number = number;
	db->unavailable = unavailable;
}

static int transaction_once(struct db *db, struct arena *arena,
			    db_transaction_t *function, void *context,
			    bool *again_r, const char **error_r)
{
	int ret;

	*again_r = true;
	db->error_number = 0;
	db->unavailable = false;
	if (command(db, arena, "START TRANSACTION", error_r) < 0)
		return -1;
	db->in_transaction = true;
	ret = function(db, context, error_r);
	if (ret <= 0) {
		rollback(db, arena);
		return ret;
	}
	db->in_transaction = false;
	if (command(db, arena, "COMMIT", error_r) < 0) {
		*again_r = error_is_conflict(db->error_number);
		return -1;
	}
	return ret;
}

int db_transaction(struct db *db, struct arena *arena,
		   db_transaction_t *function, void *context,
		   const char **error_r)
{
	const uint64_t begun = db_clock_msecs();
	unsigned int i;
	bool again;
	int ret = -1;

	if (db->in_transaction)
		abort();
	for (i = 0; i < TRANSACTION_TRIES; i++) {
		ret = transaction_once(db, arena, function, context, &again,
				       error_r);
		if (ret >= 0 || !again ||
		    (!error_is_conflict(db->error_number) &&
		     db->error_number != ER_LOCK_WAIT_TIMEOUT &&
		     !db_error_is_lost(db->error_number)) ||
		    db_clock_msecs() - begun >= DB_RETRY_MSECS)
			break;
	}
	return ret;
}
