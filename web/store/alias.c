#include "alias.h"
#include "account.h"
#include "arena.h"
#include "db.h"

#include <string.h>

#define ALIAS_COLUMNS \
	DB_FOREIGN("id") ",source,destination FROM pymailadmin_alias "

static void alias_from_row(const struct db_value *row, struct alias *alias_r)
{
	alias_r->id = db_value_text(&row[0]);
	alias_r->source = db_value_text(&row[1]);
	alias_r->destination = db_value_text(&row[2]);
}

int alias_list(struct db *db, struct arena *arena, const char *mailbox,
	       struct alias_list *list_r, const char **error_r)
{
	const struct db_value params[] = { db_text(mailbox) };
	struct alias_list list;
	struct db_rows rows;
	size_t i;

	if (db_query(db, arena,
		"SELECT " ALIAS_COLUMNS "WHERE destination=? "
		"ORDER BY source LIMIT 1000", params, 1, &rows, error_r) < 0)
		return -1;
	list.count = rows.count;
	list.aliases = arena_new(arena, struct alias, rows.count + 1);
	for (i = 0; i < rows.count; i++)
		alias_from_row(rows.rows[i].values, &list.aliases[i]);
	*list_r = list;
	return 0;
}

int alias_find(struct db *db, struct arena *arena, const char *mailbox,
	       const char *id, struct alias *alias_r, const char **error_r)
{
	const struct db_value params[] = { db_text(mailbox), db_text(id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT " ALIAS_COLUMNS "WHERE destination=? AND "
		DB_FOREIGN("id") "=?", params, 2, &row, error_r);
	if (ret > 0)
		alias_from_row(row, alias_r);
	return ret;
}

static int call(struct db *db, struct arena *arena, const char *sql,
		const struct db_value *params, unsigned int count,
		enum alias_result *result_r, const char **error_r)
{
	static const struct {
		const char *name;
		enum alias_result result;
	} results[] = {
		{ "done", ALIAS_DONE },
		{ "not_found", ALIAS_NOT_FOUND },
		{ "taken", ALIAS_TAKEN },
		{ "limit", ALIAS_LIMIT },
		{ "malformed", ALIAS_MALFORMED },
		{ "busy", ALIAS_BUSY },
		{ "unchanged", ALIAS_UNCHANGED },
	};
	const struct db_value *row;
	const char *name = "nothing";
	unsigned int i;
	int ret;

	ret = db_query_row(db, arena, sql, params, count, &row, error_r);
	if (ret < 0)
		return -1;
	if (ret > 0)
		name = db_value_text(&row[0]);
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (strcmp(name, results[i].name) == 0) {
			*result_r = results[i].result;
			return 1;
		}
	}
	*error_r = arena_printf(arena, "%s failed: it answered %s", sql, name);
	return -1;
}

int alias_add(struct db *db, struct arena *arena,
	      const struct account *account, const char *mailbox,
	      const char *source, unsigned int limit,
	      enum alias_result *result_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(mailbox), db_text(source),
		DB_UINT(limit),
	};

	return call(db, arena, "CALL pymailadmin_alias_add(?,?,?,?)",
		    params, 4, result_r, error_r);
}

int alias_rename(struct db *db, struct arena *arena,
		 const struct account *account, const char *mailbox,
		 const char *id, const char *source,
		 enum alias_result *result_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(mailbox), db_text(id),
		db_text(source),
	};

	return call(db, arena, "CALL pymailadmin_alias_rename(?,?,?,?)",
		    params, 4, result_r, error_r);
}

int alias_delete(struct db *db, struct arena *arena,
		 const struct account *account, const char *mailbox,
		 const char *id, enum alias_result *result_r,
		 const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(mailbox), db_text(id),
	};

	return call(db, arena, "CALL pymailadmin_alias_delete(?,?,?)",
		    params, 3, result_r, error_r);
}
