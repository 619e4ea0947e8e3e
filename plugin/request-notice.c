#include "lib.h"
#include "sql-api.h"
#include "request-store.h"
#include "request-notice.h"

/* The portal has a text for each (web/notify/mail-text.c). */
static const char *request_notice_template(const struct request_row *row,
					   enum request_state state)
{
	if (row->kind == REQUEST_KIND_ENCRYPT ||
	    row->kind == REQUEST_KIND_CLOSE)
		return NULL;
	if (state == REQUEST_STATE_CANCELED)
		return "request-canceled";
	return t_strdup_printf("%s-%s", request_kind_name(row->kind),
			       request_state_name(state));
}

void request_notice_add(struct sql_db *db,
			struct sql_transaction_context *trans,
			const struct request_row *row,
			enum request_state state)
{
	const char *template = request_notice_template(row, state);
	const bool deleted = row->kind == REQUEST_KIND_DELETE &&
		state == REQUEST_STATE_DONE;
	struct sql_statement *stmt;

	if (template == NULL)
		return;
	/* of what was deleted, an owner who is gone with it has been told */
	stmt = sql_statement_init(db,
		"INSERT INTO pymailadmin_outbox(account_id,template,address) "
		"SELECT COALESCE(o.account_id,IF(?,NULL,r.account_id)),?,"
		"r.address FROM pymailadmin_request r LEFT JOIN "
		"pymailadmin_account_mailbox o ON o.address=r.address "
		"WHERE ROW_COUNT()>0 AND r.id=? AND "
		"COALESCE(o.account_id,IF(?,NULL,r.account_id)) IS NOT NULL");
	sql_statement_bind_int64(stmt, 0, deleted ? 1 : 0);
	sql_statement_bind_str(stmt, 1, template);
	sql_statement_bind_str(stmt, 2, row->id);
	sql_statement_bind_int64(stmt, 3, deleted ? 1 : 0);
	sql_update_stmt(trans, &stmt);

	if (!deleted)
		return;
	/* who owns it was told, and so there was a row */
	stmt = sql_statement_init(db,
		"DELETE FROM pymailadmin_account_mailbox "
		"WHERE ROW_COUNT()>0 AND address=?");
	sql_statement_bind_str(stmt, 0, row->address);
	sql_update_stmt(trans, &stmt);
}
