#include "lib.h"
#include "array.h"
#include "str-sanitize.h"
#include "strnum.h"
#include "module-dir.h"
#include "settings.h"
#include "sql-api.h"
#include "master-service.h"
#include "pymailadmin-settings.h"
#include "sql-run.h"
#include "request-notice.h"
#include "request-store-private.h"

/* Less than the columns hold: "..." may follow. */
#define REASON_MAX_CHARS 490

/* Times are UTC DATETIMEs, whatever the session's time zone. */
#define SQL_FROM_EPOCH \
	"TIMESTAMPADD(SECOND,?,'1970-01-01 00:00:00')"
#define SQL_AFTER_SECS "TIMESTAMPADD(SECOND,?,UTC_TIMESTAMP())"

int request_store_init(struct event *event, struct request_store **store_r,
		       const char **error_r)
{
	const struct module_dir_load_settings set = {
		.abi_version = DOVECOT_ABI_VERSION,
		.require_init_funcs = TRUE,
	};
	const char *const names[] = { "driver_mysql", NULL };
	const struct pymailadmin_settings *pma_set;
	struct request_store *store;
	struct event *sql_event;
	struct module *modules = NULL;
	struct sql_db *db;
	int ret;

	if (module_dir_try_load_missing(&modules, MODULEDIR, names, &set,
					error_r) < 0)
		return -1;
	module_dir_init(modules);

	sql_event = event_create(event);
	settings_event_add_filter_name(sql_event, PYMAILADMIN_SQL_FILTER);
	ret = sql_init_auto(sql_event, &db, error_r);
	event_unref(&sql_event);
	if (ret <= 0) {
		module_dir_unload(&modules);
		return -1;
	}
	if (settings_get(event, &pymailadmin_setting_parser_info, 0, &pma_set,
			 error_r) < 0) {
		sql_unref(&db);
		module_dir_unload(&modules);
		return -1;
	}
	store = i_new(struct request_store, 1);
	store->backend = i_strdup(pma_set->pymailadmin_backend);
	settings_free(pma_set);
	store->event = event;
	store->db = db;
	store->modules = modules;
	*store_r = store;
	return 0;
}

void request_store_deinit(struct request_store **_store)
{
	struct request_store *store = *_store;

	if (store == NULL)
		return;
	*_store = NULL;

	sql_unref(&store->db);
	module_dir_unload(&store->modules);
	i_free(store->backend);
	i_free(store);
}

struct sql_db *request_store_get_db(struct request_store *store)
{
	return store->db;
}

const char *request_store_get_backend(struct request_store *store)
{
	return store->backend;
}

/* lib-sql cannot bind NULL: the statement has NULLIF(?,''). */
static void bind_nullable(struct sql_statement *stmt, unsigned int idx,
			  const char *value)
{
	sql_statement_bind_str(stmt, idx, value == NULL ? "" : value);
}

/* Reasons quote what comes from elsewhere, names and hashes: no column takes
   them at any length and in any bytes. */
static const char *reason_text(const char *reason)
{
	return reason == NULL ? "" :
		str_sanitize_utf8(reason, REASON_MAX_CHARS);
}

int request_store_get_hash(struct request_store *store, const char *address,
			   const char **hash_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(store->db,
		"SELECT password FROM pymailadmin_mailbox WHERE address=?");
	sql_statement_bind_str(stmt, 0, address);
	return sql_run_lookup(stmt, "look up mailbox", hash_r, error_r);
}

int request_store_get_time(struct request_store *store, uint64_t *now_r,
			   const char **error_r)
{
	struct sql_statement *stmt;
	const char *value;

	stmt = sql_statement_init(store->db,
		"SELECT " REQUEST_SQL_TO_EPOCH("UTC_TIMESTAMP()"));
	switch (sql_run_lookup(stmt, "read the clock", &value, error_r)) {
	case 1:
		if (str_to_uint64(value, now_r) == 0)
			return 0;
		break;
	case 0:
		value = "no value";
		break;
	default:
		return -1;
	}
	return sql_run_failed("read the clock", value, error_r);
}

/* To follow the statement it tells about, if that changed anything. */
static void add_event(struct request_store *store,
		      struct sql_transaction_context *trans,
		      const struct request_row *row,
		      enum request_state state, const char *text)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(store->db,
		"INSERT INTO pymailadmin_event"
		"(actor,address,kind,request_id,text) "
		"SELECT ?,?,?,?,? FROM DUAL WHERE ROW_COUNT()>0");
	sql_statement_bind_str(stmt, 0, "doveadm");
	sql_statement_bind_str(stmt, 1, row->address);
	sql_statement_bind_str(stmt, 2, t_strdup_printf("%s-%s",
		request_kind_name(row->kind), request_state_name(state)));
	sql_statement_bind_str(stmt, 3, row->id);
	sql_statement_bind_str(stmt, 4, reason_text(text));
	sql_update_stmt(trans, &stmt);
}

int request_store_file(struct request_store *store,
		       const struct request_row *row, const char **error_r)
{
	struct sql_transaction_context *trans;
	struct sql_statement *stmt;
	const char *error, *value;
	int ret;

	stmt = sql_statement_init(store->db,
		"SELECT id FROM pymailadmin_request WHERE open_address=?");
	sql_statement_bind_str(stmt, 0, row->address);
	ret = sql_run_lookup(stmt, "look for an open request", &value, error_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;

	trans = sql_transaction_begin(store->db);
	stmt = sql_statement_init(store->db,
		"INSERT INTO pymailadmin_request"
		"(id,kind,address,created_at,sealed) "
		"VALUES(?,?,?," SQL_FROM_EPOCH ",NULLIF(?,''))");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, request_kind_name(row->kind));
	sql_statement_bind_str(stmt, 2, row->address);
	sql_statement_bind_int64(stmt, 3, row->created);
	sql_statement_bind_binary(stmt, 4, row->sealed, row->sealed_size);
	sql_update_stmt(trans, &stmt);
	add_event(store, trans, row, REQUEST_STATE_PENDING, "");
	if (sql_transaction_commit_s(&trans, &error) < 0)
		return sql_run_failed("file request", error, error_r);
	return 1;
}

int request_store_advance(struct request_store *store,
			  struct request_row *row, enum request_state state,
			  uint32_t window_secs, const char **error_r)
{
	struct sql_statement *stmt;
	int ret;

	i_assert(request_state_may_become(row->state, state));

	stmt = sql_statement_init(store->db,
		"UPDATE pymailadmin_request SET state=?,"
		"lease_until=" SQL_AFTER_SECS ",updated_at=UTC_TIMESTAMP() "
		"WHERE id=? AND state=? AND claimed_by=? AND (?=0 OR "
		"TIMESTAMPADD(SECOND,?,created_at)>UTC_TIMESTAMP())");
	sql_statement_bind_str(stmt, 0, request_state_name(state));
	sql_statement_bind_int64(stmt, 1, REQUEST_LEASE_SECS);
	sql_statement_bind_str(stmt, 2, row->id);
	sql_statement_bind_str(stmt, 3, request_state_name(row->state));
	sql_statement_bind_str(stmt, 4, row->claimed_by);
	sql_statement_bind_int64(stmt, 5, window_secs);
	sql_statement_bind_int64(stmt, 6, window_secs);
	ret = sql_run_update(store->db, stmt, "advance request", error_r);
	if (ret > 0)
		row->state = state;
	return ret;
}

int request_store_switch(struct request_store *store, struct request_row *row,
			 const char *old_hash, const char *hash,
			 const char **error_r)
{
	struct sql_statement *stmt;
	int ret;

	/* one statement, so that there is no moment in between; the tables
	   are not compared with each other, as their collations may differ;
	   strict, so that a hash that is too long is not cut */
	stmt = sql_statement_init(store->db,
		"SET STATEMENT sql_mode='STRICT_ALL_TABLES' FOR "
		"UPDATE pymailadmin_request r,pymailadmin_mailbox m SET "
		"m.password=?,r.state='switched',"
		"r.updated_at=UTC_TIMESTAMP() WHERE r.id=? AND "
		"r.state='switching' AND r.claimed_by=? AND m.address=? AND "
		"BINARY m.password=?");
	sql_statement_bind_str(stmt, 0, hash);
	sql_statement_bind_str(stmt, 1, row->id);
	sql_statement_bind_str(stmt, 2, row->claimed_by);
	sql_statement_bind_str(stmt, 3, row->address);
	sql_statement_bind_str(stmt, 4, old_hash);
	ret = sql_run_update(store->db, stmt, "set hash", error_r);
	if (ret > 0)
		row->state = REQUEST_STATE_SWITCHED;
	return ret > 0 ? 1 : ret;
}

int request_store_end(struct request_store *store, struct request_row *row,
		      enum request_state state, const char *outcome,
		      const char *reason, const char **error_r)
{
	struct sql_transaction_context *trans;
	struct sql_statement *stmt;
	unsigned int rows = 0;
	const char *error;

	i_assert(request_state_may_become(row->state, state));

	trans = sql_transaction_begin(store->db);
	stmt = sql_statement_init(store->db,
		"UPDATE pymailadmin_request SET state=?,sealed=NULL,"
		"claimed_by=NULL,lease_until=NULL,retry_at=NULL,"
		"outcome=NULLIF(?,''),reason=NULLIF(?,''),"
		"updated_at=UTC_TIMESTAMP(),ended_at=UTC_TIMESTAMP() "
		"WHERE id=? AND state=? AND claimed_by<=>NULLIF(?,'')");
	sql_statement_bind_str(stmt, 0, request_state_name(state));
	bind_nullable(stmt, 1, outcome);
	sql_statement_bind_str(stmt, 2, reason_text(reason));
	sql_statement_bind_str(stmt, 3, row->id);
	sql_statement_bind_str(stmt, 4, request_state_name(row->state));
	bind_nullable(stmt, 5, row->claimed_by);
	sql_update_stmt_get_rows(trans, &stmt, &rows);
	add_event(store, trans, row, state, reason == NULL ? "" : reason);
	request_notice_add(store->db, trans, row, state);
	if (sql_transaction_commit_s(&trans, &error) < 0)
		return sql_run_failed("end request", error, error_r);
	if (rows > 0)
		row->state = state;
	return rows > 0 ? 1 : 0;
}

int request_store_release(struct request_store *store,
			  struct request_row *row, const char *outcome,
			  const char *reason, unsigned int delay_secs,
			  const char **error_r)
{
	struct sql_statement *stmt;
	int ret;

	stmt = sql_statement_init(store->db,
		"UPDATE pymailadmin_request SET claimed_by=NULL,"
		"lease_until=NULL,retry_at=" SQL_AFTER_SECS ",outcome=?,"
		"reason=?,updated_at=UTC_TIMESTAMP(),"
		"state=IF(state='claimed','pending',state) "
		"WHERE id=? AND state=? AND claimed_by=?");
	sql_statement_bind_int64(stmt, 0, delay_secs);
	sql_statement_bind_str(stmt, 1, outcome);
	sql_statement_bind_str(stmt, 2, reason_text(reason));
	sql_statement_bind_str(stmt, 3, row->id);
	sql_statement_bind_str(stmt, 4, request_state_name(row->state));
	sql_statement_bind_str(stmt, 5, row->claimed_by);
	ret = sql_run_update(store->db, stmt, "release request", error_r);
	if (ret > 0) {
		if (row->state == REQUEST_STATE_CLAIMED)
			row->state = REQUEST_STATE_PENDING;
		row->claimed_by = NULL;
	}
	return ret;
}

int request_store_progress(struct request_store *store,
			   const struct request_row *row,
			   const struct request_progress *progress, bool begin,
			   const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(store->db,
		"UPDATE pymailadmin_request SET mails_done=?,mails_total=?,"
		"bytes_done=?,bytes_total=?,storing_since="
		"IF(?,UTC_TIMESTAMP(),COALESCE(storing_since,"
		"UTC_TIMESTAMP())),lease_until=" SQL_AFTER_SECS ","
		"updated_at=UTC_TIMESTAMP() "
		"WHERE id=? AND state=? AND claimed_by=?");
	sql_statement_bind_int64(stmt, 0, progress->mails_done);
	sql_statement_bind_int64(stmt, 1, progress->mails_total);
	sql_statement_bind_int64(stmt, 2, progress->bytes_done);
	sql_statement_bind_int64(stmt, 3, progress->bytes_total);
	sql_statement_bind_int64(stmt, 4, begin ? 1 : 0);
	sql_statement_bind_int64(stmt, 5, REQUEST_LEASE_SECS);
	sql_statement_bind_str(stmt, 6, row->id);
	sql_statement_bind_str(stmt, 7, request_state_name(row->state));
	sql_statement_bind_str(stmt, 8, row->claimed_by);
	return sql_run_update(store->db, stmt, "record progress",
			      error_r) < 0 ? -1 : 0;
}

int request_store_retry(struct request_store *store, struct request_row *row,
			const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(store->db,
		"UPDATE pymailadmin_request SET retry_at=NULL,"
		"updated_at=UTC_TIMESTAMP() WHERE id=? AND "
		"ended_at IS NULL AND retry_at IS NOT NULL");
	sql_statement_bind_str(stmt, 0, row->id);
	return sql_run_update(store->db, stmt, "retry request", error_r);
}
