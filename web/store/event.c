#include "event.h"
#include "account.h"
#include "arena.h"
#include "db.h"

#define EVENT_COLUMNS \
	DB_TO_EPOCH("created_at") ",actor,address,kind,request_id,text,hidden,id"

int event_add(struct db *db, struct arena *arena, const struct event *event,
	      const char **error_r)
{
	const struct db_value params[] = {
		db_text(event->actor), db_text(event->address),
		db_text(event->kind), db_text(event->request_id),
		db_text(event->text == NULL ? "" : event->text),
		DB_UINT(event->hidden ? 1 : 0),
	};

	return db_execute(db, arena,
		"INSERT INTO pymailadmin_event(actor,address,kind,request_id,"
		"text,hidden) VALUES(LEFT(?,254),?,?,?,LEFT(?,500),?)",
		params, 6, NULL, error_r) < 0 ? -1 : 0;
}

int event_add_account(struct db *db, struct arena *arena, uint64_t account_id,
		      const char *kind, const char *text, const char **error_r)
{
	const struct db_value params[] = {
		db_text(kind), db_text(text == NULL ? "" : text),
		DB_UINT(account_id),
	};

	return db_execute(db, arena,
		"INSERT INTO pymailadmin_event(actor,kind,text) "
		"SELECT email,?,LEFT(?,500) FROM pymailadmin_account "
		"WHERE id=?", params, 3, NULL, error_r) < 0 ? -1 : 0;
}

static void read_events(struct arena *arena, const struct db_rows *rows,
			struct event_list *list_r)
{
	struct event *events = arena_new(arena, struct event, rows->count + 1);
	size_t i;

	for (i = 0; i < rows->count; i++) {
		const struct db_value *row = rows->rows[i].values;

		events[i].created = db_value_uint(&row[0]);
		events[i].actor = db_value_text(&row[1]);
		events[i].address = row[2].data;
		events[i].kind = db_value_text(&row[3]);
		events[i].request_id = row[4].data;
		events[i].text = db_value_text(&row[5]);
		events[i].hidden = db_value_uint(&row[6]) != 0;
		events[i].id = db_value_uint(&row[7]);
	}
	*list_r = (struct event_list){ events, rows->count };
}

int event_list(struct db *db, struct arena *arena,
	       const struct account *account, const char *address,
	       unsigned int limit, struct event_list *list_r,
	       const char **error_r)
{
	const struct db_value params[] = {
		db_text(address),
		DB_UINT(account->role == ACCOUNT_ROLE_SUPER_ADMIN ? 1 : 0),
		DB_UINT(limit),
	};
	struct db_rows rows;

	if (db_query(db, arena,
		"SELECT " EVENT_COLUMNS " FROM pymailadmin_event "
		"WHERE address=? AND (NOT hidden OR ?) "
		"ORDER BY id DESC LIMIT ?", params, 3, &rows, error_r) < 0)
		return -1;
	read_events(arena, &rows, list_r);
	return 0;
}

#define FROM_EPOCH "TIMESTAMPADD(SECOND,?,'1970-01-01 00:00:00')"
/* Rows have their times roughly in the order of their ids. */
#define SLACK_SECS 3600

/* The first id at about a time, or the last; *id_r stays if there is none. */
static int find_bound(struct db *db, struct arena *arena, const char *sql,
		      uint64_t time, uint64_t *id_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(time) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena, sql, params, 1, &row, error_r);
	if (ret > 0)
		*id_r = db_value_uint(&row[0]);
	return ret < 0 ? -1 : 0;
}

/* A day is looked up by its time, and then rows are read by their ids, as by
   the indexes of addresses, actors and kinds, and no more than are shown. */
static int find_bounds(struct db *db, struct arena *arena,
		       const struct event_filter *filter, uint64_t *first_r,
		       uint64_t *last_r, const char **error_r)
{
	*first_r = 0;
	*last_r = UINT64_MAX;
	if (filter->from > SLACK_SECS) {
		*first_r = UINT64_MAX;
		if (find_bound(db, arena,
			"SELECT id FROM pymailadmin_event WHERE created_at>="
			FROM_EPOCH " ORDER BY created_at,id LIMIT 1",
			filter->from - SLACK_SECS, first_r, error_r) < 0)
			return -1;
	}
	if (filter->to != 0) {
		*last_r = 0;
		if (find_bound(db, arena,
			"SELECT id FROM pymailadmin_event WHERE created_at<"
			FROM_EPOCH " ORDER BY created_at DESC,id DESC LIMIT 1",
			filter->to + SLACK_SECS, last_r, error_r) < 0)
			return -1;
	}
	if (filter->before != 0 && filter->before - 1 < *last_r)
		*last_r = filter->before - 1;
	return 0;
}

/* One more than are shown. By the index of times all of a long time would have
   to be sorted. */
#define SEARCH(which) \
	"SELECT " EVENT_COLUMNS " FROM pymailadmin_event " \
	"IGNORE INDEX (created_at) WHERE id BETWEEN ? AND ? AND " \
	"created_at>=" FROM_EPOCH " AND created_at<" FROM_EPOCH which \
	" ORDER BY id DESC LIMIT 51"
_Static_assert(EVENT_PAGE_SIZE == 50, "LIMIT");
#define BY_ADDRESS " AND address=?"
#define BY_ACTOR " AND actor=?"
#define BY_KIND " AND kind=?"
/* 31 December 9999 */
#define TIME_MAX 253402214400

int event_search(struct db *db, struct arena *arena,
		 const struct event_filter *filter, struct event_list *list_r,
		 bool *more_r, const char **error_r)
{
	static const char *const statements[] = {
		SEARCH(""), SEARCH(BY_ADDRESS), SEARCH(BY_ACTOR),
		SEARCH(BY_ADDRESS BY_ACTOR), SEARCH(BY_KIND),
		SEARCH(BY_ADDRESS BY_KIND), SEARCH(BY_ACTOR BY_KIND),
		SEARCH(BY_ADDRESS BY_ACTOR BY_KIND),
	};
	const char *const texts[] = {
		filter->address, filter->actor, filter->kind
	};
	struct db_value params[7];
	uint64_t first = 0, last = 0;
	unsigned int i, which = 0, count = 4;
	struct db_rows rows;

	if (find_bounds(db, arena, filter, &first, &last, error_r) < 0)
		return -1;
	params[0] = DB_UINT(first);
	params[1] = DB_UINT(last);
	params[2] = DB_UINT(filter->from);
	params[3] = DB_UINT(filter->to == 0 ? TIME_MAX : filter->to);
	for (i = 0; i < 3; i++) {
		if (texts[i] == NULL)
			continue;
		which |= 1u << i;
		params[count++] = db_text(texts[i]);
	}
	if (db_query(db, arena, statements[which], params, count, &rows,
		     error_r) < 0)
		return -1;
	*more_r = rows.count > EVENT_PAGE_SIZE;
	if (*more_r)
		rows.count = EVENT_PAGE_SIZE;
	read_events(arena, &rows, list_r);
	return 0;
}

int event_list_acts(struct db *db, struct arena *arena, const char *email,
		    unsigned int limit, struct event_list *list_r,
		    const char **error_r)
{
	const struct db_value params[] = {
		db_text(email), db_text(email), DB_UINT(limit)
	};
	struct db_rows rows;

	/* another may have had this address before */
	if (db_query(db, arena,
		"SELECT " EVENT_COLUMNS " FROM pymailadmin_event "
		"WHERE actor=? AND address IS NOT NULL AND created_at>="
		"(SELECT a.created_at FROM pymailadmin_account a "
		"WHERE a.email=?) "
		"ORDER BY id DESC LIMIT ?", params, 3, &rows, error_r) < 0)
		return -1;
	read_events(arena, &rows, list_r);
	return 0;
}
