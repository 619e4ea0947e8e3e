#include "lib.h"
#include "array.h"
#include "sql-api.h"
#include "sql-run.h"
#include "request-backend.h"
#include "request-store-private.h"

#define SQL_ROW_COLUMNS_WITH(sealed) \
	"id,kind,state,address," REQUEST_SQL_TO_EPOCH("created_at") "," \
	REQUEST_SQL_TO_EPOCH("UTC_TIMESTAMP()") "," sealed ",claimed_by," \
	"COALESCE(lease_until<=UTC_TIMESTAMP(),1)," \
	"COALESCE(retry_at>UTC_TIMESTAMP(),0),attempts,outcome,reason," \
	"mails_done,mails_total,bytes_done,bytes_total," \
	"TIMESTAMPDIFF(SECOND,storing_since,UTC_TIMESTAMP()),backend," \
	REQUEST_SQL_TO_EPOCH("retry_at")
#define SQL_ROW_COLUMNS SQL_ROW_COLUMNS_WITH("sealed")
#define SQL_WORK_COLUMNS SQL_ROW_COLUMNS_WITH("LEFT(sealed,1)")

/* '' is what a database that is not strict makes of a state it does not know:
   read so that it is said */
#define SQL_OPEN_STATES \
	"'','pending','claimed','switching','switched','rekeying','storing'"
/* what is half done first; deletions last, as nobody waits for them */
#define SQL_WORK_ORDER \
	"kind='delete',state='storing',state IN ('pending','claimed')," \
	"created_at,id"

static const char *
field_dup(pool_t pool, struct sql_result *result, unsigned int idx)
{
	return p_strdup(pool, sql_result_get_field_value(result, idx));
}

static int request_row_read(struct sql_result *result, pool_t pool,
			    struct request_row **row_r, const char **error_r)
{
	struct request_row *row = p_new(pool, struct request_row, 1);
	const unsigned char *sealed;

	row->id = field_dup(pool, result, 0);
	if (!request_kind_parse(sql_result_get_field_value(result, 1),
				&row->kind) ||
	    !request_state_parse(sql_result_get_field_value(result, 2),
				 &row->state)) {
		*error_r = t_strdup_printf(
			"request %s is of an unknown kind or state", row->id);
		return -1;
	}
	row->address = field_dup(pool, result, 3);
	row->created = sql_run_field_uint64(result, 4);
	row->now = sql_run_field_uint64(result, 5);
	sealed = sql_result_get_field_value_binary(result, 6,
						   &row->sealed_size);
	if (sealed != NULL && row->sealed_size > 0)
		row->sealed = p_memdup(pool, sealed, row->sealed_size);
	row->claimed_by = field_dup(pool, result, 7);
	row->lease_expired = sql_run_field_uint64(result, 8) != 0;
	row->waiting = sql_run_field_uint64(result, 9) != 0;
	row->attempts = sql_run_field_uint64(result, 10);
	row->outcome = field_dup(pool, result, 11);
	row->reason = field_dup(pool, result, 12);
	row->progress.mails_done = sql_run_field_uint64(result, 13);
	row->progress.mails_total = sql_run_field_uint64(result, 14);
	row->progress.bytes_done = sql_run_field_uint64(result, 15);
	row->progress.bytes_total = sql_run_field_uint64(result, 16);
	row->storing_secs = sql_run_field_uint64(result, 17);
	row->backend = field_dup(pool, result, 18);
	row->until = sql_run_field_uint64(result, 19);
	*row_r = row;
	return 0;
}

static int list_rows(struct request_store *store, struct sql_statement *stmt,
		     pool_t pool, ARRAY_TYPE(request_row) *rows,
		     const char **error_r)
{
	struct sql_result *result = sql_statement_query_s(&stmt);
	struct request_row *row;
	const char *error;
	int ret;

	while ((ret = sql_result_next_row(result)) > 0) {
		/* one odd row must not stop the others */
		if (request_row_read(result, pool, &row, &error) < 0)
			e_warning(store->event, "%s", error);
		else
			array_push_back(rows, &row);
	}
	if (ret < 0)
		(void)sql_run_failed("list requests",
				     sql_result_get_error(result), error_r);
	sql_result_unref(result);
	return ret < 0 ? -1 : 0;
}

int request_store_list(struct request_store *store, const char *address,
		       pool_t pool, ARRAY_TYPE(request_row) *rows,
		       const char **error_r)
{
	struct sql_statement *stmt;

	if (address != NULL) {
		stmt = sql_statement_init(store->db,
			"SELECT " SQL_ROW_COLUMNS " FROM pymailadmin_request "
			"WHERE address=? ORDER BY open_address IS NULL,"
			"ended_at IS NOT NULL,created_at DESC,updated_at DESC");
		sql_statement_bind_str(stmt, 0, address);
	} else {
		stmt = sql_statement_init(store->db,
			"SELECT " SQL_ROW_COLUMNS " FROM pymailadmin_request "
			"WHERE state IN (" SQL_OPEN_STATES ") "
			"ORDER BY " SQL_WORK_ORDER);
	}
	return list_rows(store, stmt, pool, rows, error_r);
}

int request_store_list_work(struct request_store *store, const char *host,
			    unsigned int window_secs, unsigned int grace_secs,
			    pool_t pool, ARRAY_TYPE(request_row) *rows,
			    const char **error_r)
{
	struct sql_statement *stmt;

	/* every host asks every few seconds, whatever waits: no more than
	   what is needed */
	stmt = sql_statement_init(store->db,
		"SELECT " SQL_WORK_COLUMNS " FROM pymailadmin_request "
		"WHERE backend<=>NULLIF(?,'') AND "
		"state IN (" SQL_OPEN_STATES ") AND "
		"(retry_at IS NULL OR retry_at<=UTC_TIMESTAMP() OR "
		"kind='close') AND "
		"(claimed_by IS NULL OR lease_until IS NULL OR "
		"lease_until<=UTC_TIMESTAMP() OR "
		"SUBSTRING_INDEX(claimed_by,'/',1)=?) AND "
		"NOT (kind='delete' AND state='pending' AND sealed IS NULL AND "
		"outcome IS NOT NULL AND "
		"TIMESTAMPADD(SECOND,?,created_at)>UTC_TIMESTAMP()) "
		"ORDER BY " SQL_WORK_ORDER);
	sql_statement_bind_str(stmt, 0, store->backend);
	sql_statement_bind_str(stmt, 1, host);
	sql_statement_bind_int64(stmt, 2, grace_secs);
	if (list_rows(store, stmt, pool, rows, error_r) < 0)
		return -1;
	/* a handful of backends by the index, and nothing more of those that
	   are alive */
	stmt = sql_statement_init(store->db,
		"SELECT " SQL_WORK_COLUMNS " FROM pymailadmin_request "
		"JOIN (SELECT DISTINCT backend AS name "
		"FROM pymailadmin_request) b ON backend<=>b.name "
		"WHERE NOT b.name<=>NULLIF(?,'') AND "
		REQUEST_BACKEND_SQL_SILENT("b.name") " AND "
		"state IN ('pending','claimed','storing') AND "
		"((kind<>'delete' AND state<>'storing' AND "
		"TIMESTAMPADD(SECOND,?,created_at)<=UTC_TIMESTAMP()) OR "
		"NOT backend<=>pymailadmin_backend_of(address))");
	sql_statement_bind_str(stmt, 0, store->backend);
	sql_statement_bind_int64(stmt, 1, window_secs);
	return list_rows(store, stmt, pool, rows, error_r);
}

int request_store_read_seal(struct request_store *store, pool_t pool,
			    struct request_row *row, const char **error_r)
{
	struct sql_statement *stmt;
	struct sql_result *result;
	const unsigned char *sealed;
	int ret;

	row->sealed = NULL;
	row->sealed_size = 0;
	stmt = sql_statement_init(store->db,
		"SELECT sealed FROM pymailadmin_request WHERE id=?");
	sql_statement_bind_str(stmt, 0, row->id);
	result = sql_statement_query_s(&stmt);
	ret = sql_result_next_row(result);
	if (ret > 0) {
		sealed = sql_result_get_field_value_binary(result, 0,
							   &row->sealed_size);
		if (sealed != NULL && row->sealed_size > 0)
			row->sealed = p_memdup(pool, sealed, row->sealed_size);
	} else if (ret < 0) {
		(void)sql_run_failed("read seal",
				     sql_result_get_error(result), error_r);
	}
	sql_result_unref(result);
	return ret < 0 ? -1 : 0;
}
