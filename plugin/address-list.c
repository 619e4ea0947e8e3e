#include "lib.h"
#include "str.h"
#include "sql-api.h"
#include "sql-run.h"
#include "address-list.h"

/* What one page holds is in memory, and each page may cost a look at the whole
   table, if its addresses have no index. */
#define PAGE_SIZE 10000
#define PAGE_SIZE_TEXT "10000"

#define SQL_TO_EPOCH(col) \
	"COALESCE(TIMESTAMPDIFF(SECOND,'1970-01-01 00:00:00'," col "),0)"
/* The collation of the mail server's tables is not known. */
#define SQL_FOREIGN(expression) "CAST(" expression " AS CHAR)"

static const char *mask_to_like(const char *mask)
{
	string_t *str = t_str_new(128);

	for (; *mask != '\0'; mask++) {
		if (*mask == '*' || *mask == '?')
			str_append_c(str, *mask == '*' ? '%' : '_');
		else
			sql_run_append_like_c(str, *mask);
	}
	return str_c(str);
}

static void row_read(struct sql_result *result, struct address_list_row *row_r)
{
	i_zero(row_r);
	row_r->address = sql_result_get_field_value(result, 0);
	row_r->quota = sql_result_get_field_value(result, 1);
	row_r->active = sql_run_field_uint64(result, 2) != 0;
	row_r->owner = sql_result_get_field_value(result, 3);
	/* one of a kind that a newer version filed is not shown */
	row_r->has_request =
		request_kind_parse(sql_result_get_field_value(result, 4),
				   &row_r->request.kind) &&
		request_state_parse(sql_result_get_field_value(result, 5),
				    &row_r->request.state);
	row_r->request.address = row_r->address;
	row_r->request.created = sql_run_field_uint64(result, 6);
	row_r->request.until = sql_run_field_uint64(result, 7);
	row_r->request.now = sql_run_field_uint64(result, 8);
}

/* Returns 1 if more may follow, 0 if not, -1 on error. last is the address of
   the last. */
static int page_read(struct request_store *store, const char *like,
		     string_t *last, address_list_callback_t *callback,
		     void *context, const char **error_r)
{
	struct address_list_row row;
	struct sql_statement *stmt;
	struct sql_result *result;
	unsigned int count = 0;
	bool more = TRUE;
	int ret;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT x.address,x.quota,x.active,a.email,r.kind,r.state,"
		SQL_TO_EPOCH("r.created_at") "," SQL_TO_EPOCH("r.retry_at") ","
		SQL_TO_EPOCH("UTC_TIMESTAMP()") " FROM "
		"(SELECT m.address," SQL_FOREIGN("m.quota") " AS quota,"
		"COALESCE(m.active,0)<>0 AS active FROM pymailadmin_mailbox m "
		"WHERE m.address>? AND m.address LIKE ? ESCAPE '|' "
		"ORDER BY m.address LIMIT "PAGE_SIZE_TEXT") x "
		"LEFT JOIN pymailadmin_account_mailbox o "
		"ON o.address=" SQL_FOREIGN("x.address") " "
		"LEFT JOIN pymailadmin_owner_view a ON a.id=o.account_id "
		"LEFT JOIN pymailadmin_request r "
		"ON r.open_address=" SQL_FOREIGN("x.address") " "
		"ORDER BY x.address");
	sql_statement_bind_str(stmt, 0, str_c(last));
	sql_statement_bind_str(stmt, 1, like);
	result = sql_statement_query_s(&stmt);
	while ((ret = sql_result_next_row(result)) > 0 && more) T_BEGIN {
		row_read(result, &row);
		more = callback(&row, context);
		str_truncate(last, 0);
		str_append(last, row.address);
		count++;
	} T_END;
	if (ret < 0)
		(void)sql_run_failed("list mailboxes",
				     sql_result_get_error(result), error_r);
	sql_result_unref(result);
	return ret < 0 ? -1 : more && count == PAGE_SIZE ? 1 : 0;
}

int address_find(struct request_store *store, const char *address,
		 const char **error_r)
{
	struct sql_statement *stmt;
	struct sql_result *result;
	bool found = FALSE;
	int ret;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT address FROM pymailadmin_mailbox WHERE address=?");
	sql_statement_bind_str(stmt, 0, address);
	result = sql_statement_query_s(&stmt);
	while ((ret = sql_result_next_row(result)) > 0) {
		if (null_strcasecmp(sql_result_get_field_value(result, 0),
				    address) == 0)
			found = TRUE;
	}
	if (ret < 0)
		(void)sql_run_failed("look up mailbox",
				     sql_result_get_error(result), error_r);
	sql_result_unref(result);
	return ret < 0 ? -1 : found ? 1 : 0;
}

int address_list(struct request_store *store, const char *mask,
		 address_list_callback_t *callback, void *context,
		 const char **error_r)
{
	string_t *last = str_new(default_pool, 256);
	const char *like = mask_to_like(mask);
	int ret;

	do {
		ret = page_read(store, like, last, callback, context, error_r);
	} while (ret > 0);
	str_free(&last);
	return ret;
}
