#include "procedure.h"
#include "arena.h"
#include "db.h"

struct call {
	struct arena *arena;
	const char *sql;
	const struct db_value *params;
	unsigned int count;
	const char *result;
};

static int run(struct db *db, void *context, const char **error_r)
{
	struct call *call = context;
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, call->arena, call->sql, call->params,
			   call->count, &row, error_r);
	if (ret == 0) {
		*error_r = arena_printf(call->arena,
			"%s failed: it answered nothing", call->sql);
		return -1;
	}
	if (ret > 0)
		call->result = db_value_text(&row[0]);
	return ret;
}

int procedure_call(struct db *db, struct arena *arena, const char *sql,
		   const struct db_value *params, unsigned int count,
		   const char **result_r, const char **error_r)
{
	struct call call = { arena, sql, params, count, NULL };

	if (db_transaction(db, arena, run, &call, error_r) < 0)
		return -1;
	*result_r = call.result;
	return 0;
}
