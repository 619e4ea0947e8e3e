#include "lib.h"
#include "sql-api.h"
#include "sql-run.h"
#include "request-backend.h"

static const char *const claim_names[REQUEST_BACKEND_CLAIM_COUNT] = {
	[REQUEST_BACKEND_CLAIM_DONE] = "done",
	[REQUEST_BACKEND_CLAIM_LOST] = "lost",
	[REQUEST_BACKEND_CLAIM_MOVED] = "moved",
	[REQUEST_BACKEND_CLAIM_ELSEWHERE] = "elsewhere",
};

int request_backend_claim(struct request_store *store, struct request_row *row,
			  const char *owner,
			  enum request_backend_claim *result_r,
			  const char **error_r)
{
	const char *what = "claim request", *value;
	struct sql_statement *stmt;
	unsigned int i;
	int ret;

	stmt = sql_statement_init(request_store_get_db(store),
		"CALL pymailadmin_request_claim(?,?,?,?,?,?)");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, request_state_name(row->state));
	sql_statement_bind_str(stmt, 2, row->claimed_by == NULL ? "" :
			       row->claimed_by);
	sql_statement_bind_str(stmt, 3, owner);
	sql_statement_bind_str(stmt, 4, request_store_get_backend(store));
	sql_statement_bind_int64(stmt, 5, REQUEST_LEASE_SECS);
	ret = sql_run_lookup(stmt, what, &value, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return sql_run_failed(what, "it did not answer", error_r);
	for (i = 0; i < N_ELEMENTS(claim_names); i++) {
		if (strcmp(value, claim_names[i]) == 0)
			break;
	}
	if (i == N_ELEMENTS(claim_names))
		return sql_run_failed(what, t_strdup_printf("it answered %s",
							    value), error_r);
	*result_r = (enum request_backend_claim)i;
	if (*result_r == REQUEST_BACKEND_CLAIM_DONE) {
		if (row->state == REQUEST_STATE_PENDING)
			row->state = REQUEST_STATE_CLAIMED;
		row->claimed_by = owner;
	}
	return 0;
}

int request_backend_of(struct request_store *store, const char *address,
		       const char **backend_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
				  "SELECT pymailadmin_backend_of(?)");
	sql_statement_bind_str(stmt, 0, address);
	return sql_run_lookup(stmt, "look up backend", backend_r, error_r);
}

bool request_backend_is_ours(struct request_store *store, const char *backend)
{
	/* as the database compares them: names are of ASCII */
	return strcasecmp(request_store_get_backend(store),
			  backend == NULL ? "" : backend) == 0;
}

int request_backend_heartbeat(struct request_store *store, const char *host,
			      const char *seal_key_id, const char **error_r)
{
	struct sql_db *db = request_store_get_db(store);
	struct sql_statement *stmt;

	stmt = sql_statement_init(db,
		"INSERT INTO pymailadmin_heartbeat"
		"(host,backend,seal_key_id,version,last_run_at) "
		"VALUES(?,NULLIF(?,''),NULLIF(?,''),?,UTC_TIMESTAMP()) "
		"ON DUPLICATE KEY UPDATE backend=VALUES(backend),"
		"seal_key_id=VALUES(seal_key_id),version=VALUES(version),"
		"last_run_at=VALUES(last_run_at)");
	sql_statement_bind_str(stmt, 0, host);
	sql_statement_bind_str(stmt, 1, request_store_get_backend(store));
	sql_statement_bind_str(stmt, 2, seal_key_id == NULL ? "" :
			       seal_key_id);
	sql_statement_bind_str(stmt, 3, PYMAILADMIN_VERSION);
	return sql_run_update(db, stmt, "heartbeat", error_r) < 0 ? -1 : 0;
}
