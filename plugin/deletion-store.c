#include "lib.h"
#include "array.h"
#include "str.h"
#include "sql-api.h"
#include "sql-run.h"
#include "deletion-store.h"

#define OUTCOME_CONFIRMED "confirmed"

int deletion_store_is_trusted(struct request_store *store,
			      const struct request_row *row,
			      const char **error_r)
{
	struct sql_statement *stmt;
	const char *value;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT 1 FROM pymailadmin_request r "
		"LEFT JOIN pymailadmin_account_view a ON a.id=r.account_id "
		"WHERE r.id=? AND (r.account_id IS NULL OR "
		"(a.role='super_admin' AND a.active))");
	sql_statement_bind_str(stmt, 0, row->id);
	return sql_run_lookup(stmt, "look up who asked", &value, error_r);
}

int deletion_store_confirm(struct request_store *store,
			   struct request_row *row, const char **error_r)
{
	struct sql_db *db = request_store_get_db(store);
	struct sql_statement *stmt;
	int ret;

	i_assert(row->state == REQUEST_STATE_CLAIMED);

	stmt = sql_statement_init(db,
		"UPDATE pymailadmin_request SET state='pending',sealed=NULL,"
		"claimed_by=NULL,lease_until=NULL,retry_at=NULL,"
		"outcome='"OUTCOME_CONFIRMED"',reason=NULL,"
		"updated_at=UTC_TIMESTAMP() "
		"WHERE id=? AND state='claimed' AND claimed_by=?");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->claimed_by);
	ret = sql_run_update(db, stmt, "confirm request", error_r);
	if (ret > 0) {
		row->state = REQUEST_STATE_PENDING;
		row->claimed_by = NULL;
	}
	return ret;
}

/* Whatever it waits for later has replaced the outcome. */
bool deletion_is_confirmed(const struct request_row *row)
{
	return row->sealed == NULL && row->outcome != NULL;
}

int deletion_store_find_other(struct request_store *store,
			      const struct request_row *row,
			      const char **text_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT CONCAT(kind,' request ',id,' is ',state) "
		"FROM pymailadmin_request WHERE address=? AND id<>? AND "
		"ended_at IS NULL LIMIT 1");
	sql_statement_bind_str(stmt, 0, row->address);
	sql_statement_bind_str(stmt, 1, row->id);
	return sql_run_lookup(stmt, "look for other requests", text_r,
			      error_r);
}

static int list_addresses(struct sql_statement *stmt, pool_t pool,
			  ARRAY_TYPE(const_string) *addresses,
			  const char **error_r)
{
	struct sql_result *result = sql_statement_query_s(&stmt);
	const char *address;
	int ret;

	while ((ret = sql_result_next_row(result)) > 0) {
		address = p_strdup(pool, sql_result_get_field_value(result, 0));
		if (address != NULL)
			array_push_back(addresses, &address);
	}
	if (ret < 0)
		(void)sql_run_failed("list mailboxes",
				     sql_result_get_error(result), error_r);
	sql_result_unref(result);
	return ret;
}

/* By the beginning of the address and by the domain's id, for which the mail
   server's tables have indexes: not each of a million rows is read. */
int deletion_store_list_neighbours(struct request_store *store,
				   const char *address, pool_t pool,
				   ARRAY_TYPE(const_string) *addresses,
				   const char **error_r)
{
	struct sql_db *db = request_store_get_db(store);
	string_t *like = t_str_new(128);
	struct sql_statement *stmt;
	const char *p;

	for (p = address; *p != '\0' && *p != '@'; p++)
		sql_run_append_like_c(like, *p);
	str_append(like, "@%");
	stmt = sql_statement_init(db,
		"SELECT address FROM pymailadmin_mailbox WHERE "
		"address LIKE ? ESCAPE '|' AND address<>? LIMIT 20");
	sql_statement_bind_str(stmt, 0, str_c(like));
	sql_statement_bind_str(stmt, 1, address);
	if (list_addresses(stmt, pool, addresses, error_r) < 0)
		return -1;
	stmt = sql_statement_init(db,
		"SELECT m.address FROM pymailadmin_domain d "
		"JOIN pymailadmin_mailbox m ON m.domain_id=d.id WHERE "
		"d.name=SUBSTRING_INDEX(?,'@',-1) AND m.address<>? LIMIT 3");
	sql_statement_bind_str(stmt, 0, address);
	sql_statement_bind_str(stmt, 1, address);
	if (list_addresses(stmt, pool, addresses, error_r) < 0)
		return -1;
	stmt = sql_statement_init(db,
		"SELECT address FROM pymailadmin_mailbox WHERE address<>? "
		"LIMIT 2");
	sql_statement_bind_str(stmt, 0, address);
	return list_addresses(stmt, pool, addresses, error_r);
}

int deletion_store_finish(struct request_store *store,
			  const struct request_row *row, const char *home,
			  unsigned int reserve_secs, const char **error_r)
{
	const char *what = "remove mailbox", *value;
	struct sql_statement *stmt;
	int ret;

	i_assert(row->state == REQUEST_STATE_REKEYING);

	stmt = sql_statement_init(request_store_get_db(store),
				  "CALL pymailadmin_deletion_finish(?,?,?,?)");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->claimed_by);
	sql_statement_bind_str(stmt, 2, home == NULL ? "" : home);
	sql_statement_bind_int64(stmt, 3, reserve_secs);
	ret = sql_run_lookup(stmt, what, &value, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return sql_run_failed(what, "it did not answer", error_r);
	return strcmp(value, "done") == 0 ? 1 : 0;
}

int deletion_store_get_home(struct request_store *store,
			    const struct request_row *row,
			    const char **home_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT home FROM pymailadmin_request WHERE id=?");
	sql_statement_bind_str(stmt, 0, row->id);
	return sql_run_lookup(stmt, "read the home", home_r, error_r);
}

int deletion_store_free_address(struct request_store *store,
				const char *address, const char **error_r)
{
	struct sql_db *db = request_store_get_db(store);
	struct sql_transaction_context *trans;
	struct sql_statement *stmt;
	unsigned int rows = 0;
	const char *error;

	trans = sql_transaction_begin(db);
	stmt = sql_statement_init(db, "DELETE FROM pymailadmin_reserved_address "
				  "WHERE address=?");
	sql_statement_bind_str(stmt, 0, address);
	sql_update_stmt_get_rows(trans, &stmt, &rows);
	stmt = sql_statement_init(db,
		"INSERT INTO pymailadmin_event(actor,address,kind) "
		"SELECT 'doveadm',?,'address-freed' FROM DUAL "
		"WHERE ROW_COUNT()>0");
	sql_statement_bind_str(stmt, 0, address);
	sql_update_stmt(trans, &stmt);
	if (sql_transaction_commit_s(&trans, &error) < 0)
		return sql_run_failed("free address", error, error_r);
	return rows > 0 ? 1 : 0;
}
