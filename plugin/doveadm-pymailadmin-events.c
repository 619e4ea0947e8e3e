#include "lib.h"
#include "str-sanitize.h"
#include "sql-api.h"
#include "doveadm-print.h"
#include "request-store.h"
#include "doveadm-pymailadmin.h"

/* More are for a question to the database. */
#define EVENTS_MAX "1000"
#define EVENT_COLUMNS 5

struct events {
	bool many;
};

/* Whose they are is said where there may be several. */
static void events_print_header(const struct events *events)
{
	if (doveadm_print_is_initialized() &&
	    doveadm_print_get_headers_count() > 0)
		return;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	if (events->many)
		doveadm_print_header_simple("username");
	doveadm_print_header_simple("UTC");
	doveadm_print_header_simple("event");
	doveadm_print_header_simple("by");
	doveadm_print_header_simple("request");
	doveadm_print_header_simple("text");
}

static void events_print(struct sql_result *result)
{
	const char *value;
	unsigned int i;

	for (i = 0; i < EVENT_COLUMNS; i++) {
		value = sql_result_get_field_value(result, i);
		doveadm_print(value == NULL ? "" :
			      str_sanitize_utf8(value, 500));
	}
}

static void events_user(struct pymailadmin_cmd *cmd, const char *address,
			void *context)
{
	const struct events *events = context;
	struct sql_statement *stmt;
	struct sql_result *result;
	int ret;

	stmt = sql_statement_init(request_store_get_db(cmd->store),
		"SELECT created_at,kind,actor,request_id,text "
		"FROM pymailadmin_event WHERE address=? "
		"ORDER BY id DESC LIMIT "EVENTS_MAX);
	sql_statement_bind_str(stmt, 0, address);
	result = sql_statement_query_s(&stmt);
	events_print_header(events);
	while ((ret = sql_result_next_row(result)) > 0) T_BEGIN {
		if (events->many)
			doveadm_print(str_sanitize(address, 254));
		events_print(result);
	} T_END;
	if (ret < 0)
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL,
				     "sql(list events) failed: %s",
				     sql_result_get_error(result));
	sql_result_unref(result);
}

static void cmd_pymailadmin_events(struct doveadm_cmd_context *cctx)
{
	enum pymailadmin_users users;
	struct pymailadmin_cmd cmd;
	struct events events;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_need_users(&cmd) &&
	    pymailadmin_cmd_count_users(&cmd, &users) &&
	    pymailadmin_cmd_open_store(&cmd)) {
		events.many = users == PYMAILADMIN_USERS_MANY;
		pymailadmin_cmd_users(&cmd, events_user, &events);
	}
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_events = {
	.name = "pymailadmin events",
	.cmd = cmd_pymailadmin_events,
	.usage = PYMAILADMIN_CMD_USAGE_USERS,
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAMS_END
};
