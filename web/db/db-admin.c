#include "db-admin.h"
#include "arena.h"
#include "db-private.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 8
#define CONNECT_SECS 15

struct db_admin {
	MYSQL *mysql;
	uint64_t affected;
};

static int failed(struct db_admin *db, struct arena *arena,
		  const char *action, const char **error_r)
{
	*error_r = arena_printf(arena, "database(%s) failed: %s (%u)", action,
				mysql_error(db->mysql),
				mysql_errno(db->mysql));
	return -1;
}

static const char *or_null(const char *value)
{
	return value == NULL || value[0] == '\0' ? NULL : value;
}

struct db_admin *db_admin_connect(const struct db_settings *set,
				  struct arena *arena, bool *denied_r,
				  const char **error_r)
{
	const unsigned int timeout = CONNECT_SECS;
	const char *socket = or_null(set->socket);
	struct db_admin *db = arena_new(arena, struct db_admin, 1);
	unsigned int number;

	*denied_r = false;
	db->mysql = mysql_init(NULL);
	if (db->mysql == NULL)
		abort();
	mysql_optionsv(db->mysql, MYSQL_READ_DEFAULT_GROUP, "client");
	mysql_optionsv(db->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
	mysql_optionsv(db->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	db_set_transport(db->mysql, set);
	if (mysql_real_connect(db->mysql, socket == NULL ? set->host :
			       "localhost", or_null(set->user),
			       or_null(set->password), NULL,
			       socket == NULL ? set->port : 0, socket,
			       0) != NULL)
		return db;
	number = mysql_errno(db->mysql);
	*denied_r = number == ER_ACCESS_DENIED_ERROR ||
		number == ER_ACCESS_DENIED_NO_PASSWORD_ERROR;
	(void)failed(db, arena, "connect", error_r);
	db_admin_close(&db);
	return NULL;
}

void db_admin_close(struct db_admin **db)
{
	if (*db != NULL)
		mysql_close((*db)->mysql);
	*db = NULL;
}

/* "CREATE OR REPLACE ...": its first line, as far as it is a short one. */
static const char *statement_name(struct arena *arena, const char *sql)
{
	const size_t size = strcspn(sql, "\n");

	return arena_strndup(arena, sql, size < 60 ? size : 60);
}

static int fetch(struct db_admin *db, struct arena *arena, MYSQL_RES *result,
		 struct db_rows *rows)
{
	const unsigned long *sizes;
	MYSQL_ROW row;
	struct db_value *values;
	unsigned int i;

	rows->columns = mysql_num_fields(result);
	rows->rows = arena_new(arena, struct db_row,
			       mysql_num_rows(result) + 1);
	rows->count = 0;
	while ((row = mysql_fetch_row(result)) != NULL) {
		sizes = mysql_fetch_lengths(result);
		values = arena_new(arena, struct db_value, rows->columns + 1);
		for (i = 0; i < rows->columns; i++) {
			if (row[i] != NULL)
				values[i] = db_text(arena_strndup(arena,
					row[i], sizes[i]));
		}
		rows->rows[rows->count++].values = values;
	}
	return mysql_errno(db->mysql) == 0 ? 0 : -1;
}

int db_admin_run(struct db_admin *db, struct arena *arena, const char *sql,
		 struct db_rows *rows_r, const char **error_r)
{
	struct db_rows rows = { NULL, 0, 0 };
	MYSQL_RES *result;
	int ret;

	ret = mysql_real_query(db->mysql, sql, strlen(sql)) == 0 ? 0 : -1;
	if (ret == 0) {
		result = mysql_store_result(db->mysql);
		/* before the result of a CALL's end is read */
		db->affected = mysql_affected_rows(db->mysql);
		if (result != NULL)
			ret = fetch(db, arena, result, &rows);
		else if (mysql_errno(db->mysql) != 0)
			ret = -1;
		mysql_free_result(result);
	}
	while (ret == 0 && mysql_more_results(db->mysql)) {
		ret = mysql_next_result(db->mysql) > 0 ? -1 : 0;
		mysql_free_result(mysql_store_result(db->mysql));
	}
	if (ret < 0)
		return failed(db, arena, statement_name(arena, sql), error_r);
	if (rows_r != NULL)
		*rows_r = rows;
	return 0;
}

int db_admin_use(struct db_admin *db, struct arena *arena, const char *name,
		 const char **error_r)
{
	return mysql_select_db(db->mysql, name) == 0 ? 0 :
		failed(db, arena, name, error_r);
}

int db_admin_execute(struct db_admin *db, struct arena *arena, const char *sql,
		     const char *const *values, unsigned int count,
		     const char **error_r)
{
	MYSQL_STMT *stmt = mysql_stmt_init(db->mysql);
	MYSQL_BIND binds[VALUES_MAX];
	unsigned int i;
	int ret;

	if (stmt == NULL || count > VALUES_MAX)
		abort();
	memset(binds, 0, sizeof(binds));
	for (i = 0; i < count; i++) {
		binds[i].buffer_type = MYSQL_TYPE_STRING;
		binds[i].buffer = (void *)(uintptr_t)values[i];
		binds[i].buffer_length = strlen(values[i]);
	}
	ret = mysql_stmt_prepare(stmt, sql, strlen(sql)) != 0 ||
		mysql_stmt_param_count(stmt) != count ||
		mysql_stmt_bind_param(stmt, binds) != 0 ||
		mysql_stmt_execute(stmt) != 0 ? -1 : 0;
	if (ret < 0)
		*error_r = arena_printf(arena, "database(%s) failed: %s (%u)",
					statement_name(arena, sql),
					mysql_stmt_error(stmt),
					mysql_stmt_errno(stmt));
	else
		db->affected = mysql_stmt_affected_rows(stmt);
	(void)mysql_stmt_close(stmt);
	return ret;
}

uint64_t db_admin_affected(const struct db_admin *db)
{
	return db->affected;
}

const char *db_admin_quote(struct db_admin *db, struct arena *arena,
			   const char *text)
{
	const size_t size = strlen(text);
	char *quoted = arena_alloc(arena, 2 * size + 3);
	unsigned long escaped;

	quoted[0] = '\'';
	escaped = mysql_real_escape_string(db->mysql, quoted + 1, text, size);
	quoted[escaped + 1] = '\'';
	return quoted;
}

const char *db_quote_name(struct arena *arena, const char *name)
{
	char *quoted = arena_alloc(arena, 2 * strlen(name) + 3), *p = quoted;

	*p++ = '`';
	for (; *name != '\0'; name++) {
		if (*name == '`')
			*p++ = '`';
		*p++ = *name;
	}
	*p = '`';
	return quoted;
}
