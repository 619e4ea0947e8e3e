#include "auth-common.h"
#include "ioloop.h"
#include "settings.h"
#include "db-sql.h"
#include "sql-api-private.h"
#include "auth-request.h"
#include "auth-worker-server.h"
#include "pymailadmin-settings.h"
#include "auth-window.h"
#include "auth-lookup.h"

#define LOOKUP_QUERY \
	"SELECT id, state, " \
	"TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', created_at), " \
	"TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP()), " \
	"kind, " \
	"TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', retry_at) " \
	"FROM pymailadmin_request WHERE open_address = ? AND " \
	"kind IN ('password', 'create', 'delete', 'close')"

/* Not a new process for each login while the database is away */
#define WORKER_MIN_SECS 3

/* The mysql driver of Dovecot 2.4.1 uses the handle of a refused connection
   again, which libmariadb 3.4 does not survive: this process asks no more,
   another is to try. */
static bool lookup_gave_up = FALSE;

/* No setting: it is true for seconds, and nobody logs in again */
#define DELETION_TEXT "This mailbox is being deleted"
/* When not even the settings can be read */
#define LAST_RESORT_TEXT "Your mailbox cannot be opened right now"

static void lookup_give_up(void)
{
	lookup_gave_up = TRUE;
	if (ioloop_time - process_start_time >= WORKER_MIN_SECS)
		worker_restart_request = TRUE;
}

int auth_lookup_init(struct event *event, struct sql_db **db_r,
		     const char **error_r)
{
	struct event *sql_event = event_create(event);
	int ret;

	settings_event_add_filter_name(sql_event, PYMAILADMIN_SQL_FILTER);
	ret = sql_init_auto(sql_event, db_r, error_r);
	event_unref(&sql_event);
	return ret > 0 ? 0 : -1;
}

void auth_lookup_connect(struct sql_db *db)
{
	if (sql_connect(db) < 0) {
		lookup_gave_up = TRUE;
		/* no more workers until one has an answer */
		auth_worker_server_send_error();
	}
}

static const struct pymailadmin_settings *
lookup_settings_get(struct auth_request *request)
{
	const struct pymailadmin_settings *set;
	const char *error;

	if (settings_get(authdb_event(request),
			 &pymailadmin_setting_parser_info, 0,
			 &set, &error) < 0) {
		e_error(authdb_event(request), "%s", error);
		return NULL;
	}
	return set;
}

const char *auth_lookup_unavailable_text(struct auth_request *request)
{
	const struct pymailadmin_settings *set = lookup_settings_get(request);
	const char *text;

	if (set == NULL)
		return LAST_RESORT_TEXT;
	text = t_strdup(set->pymailadmin_unavailable_text);
	settings_free(set);
	return text;
}

static const char *refused(enum auth_lookup_kind kind)
{
	return kind == AUTH_LOOKUP_LOGIN ? "Login refused" :
		"User lookup deferred";
}

/* What is being made is not there yet: mail for it comes again. */
static const char *
lookup_creation_text(struct auth_request *request,
		     const struct pymailadmin_settings *set,
		     const struct auth_window_row *row,
		     enum auth_lookup_kind kind)
{
	struct event *event = event_create(authdb_event(request));

	event_set_min_log_level(event, LOG_TYPE_INFO);
	e_info(event, "%s: request %s (%s) makes the mailbox; see: "
	       "doveadm pymailadmin status -u %s", refused(kind),
	       row->request_id, row->state, request->fields.user);
	event_unref(&event);
	return t_strdup(set->pymailadmin_creation_text);
}

static const char *
lookup_deletion_text(struct auth_request *request,
		     const struct auth_window_row *row,
		     enum auth_lookup_kind kind)
{
	struct event *event = event_create(authdb_event(request));

	event_set_min_log_level(event, LOG_TYPE_INFO);
	e_info(event, "%s: request %s (%s) deletes the mailbox; see: "
	       "doveadm pymailadmin status -u %s", refused(kind),
	       row->request_id, row->state, request->fields.user);
	event_unref(&event);
	return DELETION_TEXT;
}

static const char *
lookup_closed_text(struct auth_request *request,
		   const struct pymailadmin_settings *set,
		   const struct auth_window_row *row, time_t opens)
{
	const bool maintenance = strcmp(row->kind, "close") == 0;
	const char *template = maintenance ?
		set->pymailadmin_maintenance_text : set->pymailadmin_window_text;
	const char *opens_text = auth_window_opens_text(opens, ioloop_time);
	const char *text, *error;
	struct event *event = event_create(authdb_event(request));

	/* also without auth_verbose: it answers "why can't they log in?" */
	event_set_min_log_level(event, LOG_TYPE_INFO);
	e_info(event, "Login refused: request %s (%s) keeps the mailbox closed "
	       "until %s; see: doveadm pymailadmin status -u %s",
	       row->request_id, row->state,
	       opens == 0 ? "its password is changed" : opens_text,
	       request->fields.user);
	event_unref(&event);

	if (auth_window_expand(template, opens_text, &text, &error) < 0) {
		e_error(authdb_event(request), "Failed to expand "
			"pymailadmin_%s_text=%s: %s",
			maintenance ? "maintenance" : "window", template,
			error);
		text = t_strdup(set->pymailadmin_unavailable_text);
	}
	return text;
}

/* Returns 1 if the mailbox is closed, 0 if it is open, -1 if that cannot be
   said. The row's texts are the result's. */
static int lookup_check_result(struct auth_request *request,
			       struct sql_result *result,
			       const struct pymailadmin_settings *set,
			       enum auth_lookup_kind kind,
			       struct auth_window_row *row_r, bool *creation_r,
			       bool *deletion_r, time_t *opens_r)
{
	const char *error;
	int ret;

	ret = sql_result_next_row(result);
	if (ret < 0) {
		error = sql_result_get_error(result);
		e_error(authdb_event(request), "%s: "
			"request lookup failed: %s", refused(kind), error);
		if (strcmp(error, SQL_ERRSTR_NOT_CONNECTED) == 0)
			lookup_give_up();
		return -1;
	}
	db_sql_success();
	if (ret == 0)
		return 0;

	row_r->request_id = sql_result_get_field_value(result, 0);
	row_r->state = sql_result_get_field_value(result, 1);
	row_r->created = sql_result_get_field_value(result, 2);
	row_r->now = sql_result_get_field_value(result, 3);
	/* closed to all as long as the request is open, by no clock */
	row_r->kind = sql_result_get_field_value(result, 4);
	row_r->until = sql_result_get_field_value(result, 5);
	*creation_r = strcmp(row_r->kind, "create") == 0;
	if (*creation_r)
		return 1;
	if (kind != AUTH_LOOKUP_LOGIN && strcmp(row_r->kind, "delete") != 0)
		return 0;
	ret = auth_window_check(row_r, set->pymailadmin_rekey_window,
				ioloop_time, opens_r, deletion_r, &error);
	if (ret < 0) {
		e_error(authdb_event(request), "%s: "
			"request %s is invalid: %s", refused(kind),
			row_r->request_id, error);
	}
	return ret;
}

const char *auth_lookup_refusal(struct auth_request *request,
				struct sql_db *db, enum auth_lookup_kind kind)
{
	const struct pymailadmin_settings *set;
	struct auth_window_row row;
	struct sql_statement *stmt;
	struct sql_result *result;
	const char *text = NULL;
	time_t opens = 0;
	bool creation = FALSE, deletion = FALSE;
	int ret;

	set = lookup_settings_get(request);
	if (set == NULL)
		return LAST_RESORT_TEXT;

	if (lookup_gave_up || sql_connect(db) < 0) {
		e_error(authdb_event(request), "%s: request lookup failed: "
			SQL_ERRSTR_NOT_CONNECTED, refused(kind));
		lookup_give_up();
		text = t_strdup(set->pymailadmin_unavailable_text);
		settings_free(set);
		return text;
	}

	stmt = sql_statement_init(db, LOOKUP_QUERY);
	sql_statement_bind_str(stmt, 0, request->fields.user);
	result = sql_statement_query_s(&stmt);
	ret = lookup_check_result(request, result, set, kind, &row, &creation,
				  &deletion, &opens);
	if (ret > 0 && deletion)
		text = lookup_deletion_text(request, &row, kind);
	else if (ret > 0 && creation)
		text = lookup_creation_text(request, set, &row, kind);
	else if (ret > 0)
		text = lookup_closed_text(request, set, &row, opens);
	else if (ret < 0)
		text = t_strdup(set->pymailadmin_unavailable_text);
	sql_result_unref(result);
	settings_free(set);
	return text;
}
