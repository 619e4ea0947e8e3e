#include "event.h"
#include "account.h"
#include "arena.h"
#include "db.h"

#define EVENT_COLUMNS \
	DB_TO_EPOCH("created_at") ",actor,address,kind,request_id,text,hidden"

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

int event_list_account(struct db *db, struct arena *arena,
		       const struct account *account, unsigned int limit,
		       struct event_list *list_r, const char **error_r)
{
	const struct db_value params[] = {
		db_text(account->email), DB_UINT(limit),
	};
	struct db_rows rows;

	if (db_query(db, arena,
		"SELECT " EVENT_COLUMNS " FROM pymailadmin_event "
		"WHERE actor=? AND address IS NULL AND NOT hidden "
		"ORDER BY id DESC LIMIT ?", params, 2, &rows, error_r) < 0)
		return -1;
	read_events(arena, &rows, list_r);
	return 0;
}

int event_list_acts(struct db *db, struct arena *arena, const char *email,
		    unsigned int limit, struct event_list *list_r,
		    const char **error_r)
{
	const struct db_value params[] = { db_text(email), DB_UINT(limit) };
	struct db_rows rows;

	if (db_query(db, arena,
		"SELECT " EVENT_COLUMNS " FROM pymailadmin_event "
		"WHERE actor=? AND address IS NOT NULL "
		"ORDER BY id DESC LIMIT ?", params, 2, &rows, error_r) < 0)
		return -1;
	read_events(arena, &rows, list_r);
	return 0;
}
