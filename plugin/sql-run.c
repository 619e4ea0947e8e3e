#include "lib.h"
#include "str.h"
#include "strnum.h"
#include "sql-api.h"
#include "sql-run.h"

/* Of lib-sql and libmariadb, which say it in no other way. */
static const char *const lost_errors[] = {
	"Not connected to database",
	"Can't connect to",
};
static bool lost_server = FALSE;

bool sql_run_has_lost_server(void)
{
	return lost_server;
}

int sql_run_failed(const char *what, const char *error, const char **error_r)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(lost_errors); i++) {
		if (strstr(error, lost_errors[i]) != NULL)
			lost_server = TRUE;
	}
	*error_r = t_strdup_printf("sql(%s) failed: %s", what, error);
	return -1;
}

int sql_run_update(struct sql_db *db, struct sql_statement *stmt,
		   const char *what, const char **error_r)
{
	struct sql_transaction_context *trans;
	unsigned int rows = 0;
	const char *error;

	trans = sql_transaction_begin(db);
	sql_update_stmt_get_rows(trans, &stmt, &rows);
	if (sql_transaction_commit_s(&trans, &error) < 0)
		return sql_run_failed(what, error, error_r);
	return rows;
}

int sql_run_lookup(struct sql_statement *stmt, const char *what,
		   const char **value_r, const char **error_r)
{
	struct sql_result *result = sql_statement_query_s(&stmt);
	int ret = sql_result_next_row(result);

	if (ret < 0) {
		(void)sql_run_failed(what, sql_result_get_error(result),
				     error_r);
	} else if (ret > 0) {
		*value_r = t_strdup(sql_result_get_field_value(result, 0));
		if (*value_r == NULL)
			ret = 0;
	}
	sql_result_unref(result);
	return ret;
}

uint64_t sql_run_field_uint64(struct sql_result *result, unsigned int idx)
{
	const char *value = sql_result_get_field_value(result, idx);
	uint64_t num;

	return value != NULL && str_to_uint64(value, &num) == 0 ? num : 0;
}

void sql_run_append_like_c(string_t *like, char c)
{
	if (c == '%' || c == '_' || c == '|')
		str_append_c(like, '|');
	str_append_c(like, c);
}
