#include "lib.h"
#include "str-sanitize.h"
#include "sql-api.h"
#include "sql-run.h"
#include "create-store.h"

/* Less than the column holds: "..." may follow. */
#define REASON_MAX_CHARS 490

static const char *const result_names[CREATE_STORE_RESULT_COUNT] = {
	[CREATE_STORE_DONE] = "done",
	[CREATE_STORE_LOST] = "lost",
	[CREATE_STORE_QUOTA] = "quota",
	[CREATE_STORE_UNKNOWN_DOMAIN] = "unknown_domain",
	[CREATE_STORE_TAKEN] = "taken",
	[CREATE_STORE_UNKNOWN_MAILBOX] = "unknown_mailbox",
};

static const char *const filed_names[CREATE_FILE_RESULT_COUNT] = {
	[CREATE_FILE_DONE] = "done",
	[CREATE_FILE_MALFORMED] = "malformed",
	[CREATE_FILE_UNKNOWN_DOMAIN] = "unknown_domain",
	[CREATE_FILE_UNKNOWN_OWNER] = "unknown_owner",
	[CREATE_FILE_TAKEN] = "taken",
	[CREATE_FILE_RESERVED] = "reserved",
	[CREATE_FILE_BUSY] = "busy",
};

static int call_named(struct sql_statement *stmt, const char *what,
		      const char *const *names, unsigned int count,
		      unsigned int *result_r, const char **error_r)
{
	const char *value;
	int ret;

	ret = sql_run_lookup(stmt, what, &value, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return sql_run_failed(what, "it did not answer", error_r);
	for (*result_r = 0; *result_r < count; (*result_r)++) {
		if (strcmp(value, names[*result_r]) == 0)
			return 0;
	}
	return sql_run_failed(what, t_strdup_printf("it answered %s", value),
			      error_r);
}

static int call(struct sql_statement *stmt, const char *what,
		enum create_store_result *result_r, const char **error_r)
{
	unsigned int result;

	if (call_named(stmt, what, result_names, N_ELEMENTS(result_names),
		       &result, error_r) < 0)
		return -1;
	*result_r = (enum create_store_result)result;
	return 0;
}

int create_store_file(struct request_store *store,
		      const struct request_row *row, uint64_t quota,
		      const char *owner, const char *text,
		      enum create_file_result *result_r, const char **error_r)
{
	struct sql_statement *stmt;
	unsigned int result;

	stmt = sql_statement_init(request_store_get_db(store),
				  "CALL pymailadmin_create_file(?,?,?,?,?,?,?)");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->address);
	sql_statement_bind_int64(stmt, 2, row->created);
	sql_statement_bind_binary(stmt, 3, row->sealed, row->sealed_size);
	sql_statement_bind_int64(stmt, 4, quota);
	sql_statement_bind_str(stmt, 5, owner);
	sql_statement_bind_str(stmt, 6, text);
	if (call_named(stmt, "file request", filed_names,
		       N_ELEMENTS(filed_names), &result, error_r) < 0)
		return -1;
	*result_r = (enum create_file_result)result;
	return 0;
}

int create_store_begin(struct request_store *store, struct request_row *row,
		       const char *hash, enum create_store_result *result_r,
		       const char **error_r)
{
	struct sql_statement *stmt;

	i_assert(row->state == REQUEST_STATE_CLAIMED);

	stmt = sql_statement_init(request_store_get_db(store),
				  "CALL pymailadmin_create_begin(?,?,?,?)");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->claimed_by);
	sql_statement_bind_str(stmt, 2, hash);
	sql_statement_bind_int64(stmt, 3, REQUEST_LEASE_SECS);
	if (call(stmt, "insert mailbox", result_r, error_r) < 0)
		return -1;
	if (*result_r == CREATE_STORE_DONE)
		row->state = REQUEST_STATE_SWITCHING;
	return 0;
}

int create_store_activate(struct request_store *store,
			  struct request_row *row, const char *hash,
			  enum create_store_result *result_r,
			  const char **error_r)
{
	struct sql_statement *stmt;

	i_assert(row->state == REQUEST_STATE_SWITCHING);

	stmt = sql_statement_init(request_store_get_db(store),
				  "CALL pymailadmin_create_activate(?,?,?,?)");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->claimed_by);
	sql_statement_bind_str(stmt, 2, hash);
	sql_statement_bind_int64(stmt, 3, REQUEST_LEASE_SECS);
	if (call(stmt, "activate mailbox", result_r, error_r) < 0)
		return -1;
	if (*result_r == CREATE_STORE_DONE)
		row->state = REQUEST_STATE_SWITCHED;
	return 0;
}

int create_store_end(struct request_store *store, struct request_row *row,
		     enum request_state state, const char *outcome,
		     const char *reason, enum create_store_result *result_r,
		     const char **error_r)
{
	struct sql_statement *stmt;

	i_assert(request_state_may_become(row->state, state));

	stmt = sql_statement_init(request_store_get_db(store),
				  "CALL pymailadmin_create_end(?,?,?,?,?)");
	sql_statement_bind_str(stmt, 0, row->id);
	sql_statement_bind_str(stmt, 1, row->claimed_by == NULL ? "" :
			       row->claimed_by);
	sql_statement_bind_str(stmt, 2, request_state_name(state));
	sql_statement_bind_str(stmt, 3, outcome);
	sql_statement_bind_str(stmt, 4,
			       str_sanitize_utf8(reason, REASON_MAX_CHARS));
	if (call(stmt, "end request", result_r, error_r) < 0)
		return -1;
	if (*result_r == CREATE_STORE_DONE)
		row->state = state;
	return 0;
}
