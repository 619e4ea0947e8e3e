#include "lib.h"
#include "sql-api.h"
#include "sql-run.h"
#include "closure-store.h"

#define SQL_FROM_EPOCH "TIMESTAMPADD(SECOND,?,'1970-01-01 00:00:00')"

bool request_row_keeps_closed(const struct request_row *row,
			      unsigned int window_secs, uint64_t *opens_r)
{
	const struct request_window window = {
		.kind = row->kind,
		.state = row->state,
		.created = row->created,
		.now = row->now,
		.until = row->until,
	};

	return request_keeps_closed(&window, window_secs, opens_r);
}

int closure_store_file(struct request_store *store, struct request_row *row,
		       unsigned int secs, const char *text,
		       const char **error_r)
{
	struct sql_db *db = request_store_get_db(store);
	struct sql_transaction_context *trans;
	struct sql_statement *stmt;
	const char *error, *value;
	int ret;

	stmt = sql_statement_init(db,
		"SELECT id FROM pymailadmin_request WHERE open_address=?");
	sql_statement_bind_str(stmt, 0, row->address);
	ret = sql_run_lookup(stmt, "look for an open request", &value, error_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;

	row->until = row->created + secs;
	trans = sql_transaction_begin(db);
	stmt = sql_statement_init(db,
		"INSERT INTO pymailadmin_request"
		"(id,kind,address,created_at,retry_at) "
		"VALUES(?,'close',?," SQL_FROM_EPOCH "," SQL_FROM_EPOCH ")");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->address);
	sql_statement_bind_int64(stmt, 2, row->created);
	sql_statement_bind_int64(stmt, 3, row->until);
	sql_update_stmt(trans, &stmt);
	stmt = sql_statement_init(db,
		"INSERT INTO pymailadmin_event"
		"(actor,address,kind,request_id,text) "
		"VALUES('doveadm',?,'close-pending',?,?)");
	sql_statement_bind_str(stmt, 0, row->address);
	sql_statement_bind_str(stmt, 1, row->id);
	sql_statement_bind_str(stmt, 2, text);
	sql_update_stmt(trans, &stmt);
	if (sql_transaction_commit_s(&trans, &error) < 0)
		return sql_run_failed("file request", error, error_r);
	return 1;
}
