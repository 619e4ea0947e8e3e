#include "setup-private.h"
#include "arena.h"
#include "buffer.h"
#include "sql-script.h"

#include <string.h>

static const char *replace(struct arena *arena, const char *text,
			   const char *word, const char *other)
{
	struct buffer out = BUFFER_INIT;
	const char *found;

	while ((found = strstr(text, word)) != NULL) {
		buffer_append(&out, text, (size_t)(found - text));
		buffer_append_str(&out, other);
		text = found + strlen(word);
	}
	buffer_append_str(&out, text);
	text = arena_strdup(arena, buffer_str(&out));
	buffer_free(&out);
	return text;
}

int setup_run_script(struct setup *setup, const char *text, const char *word,
		     const char *other, const char **error_r)
{
	struct sql_script script;
	const char *statement;

	sql_script_init(&script, text);
	while (sql_script_next(&script, setup->arena, &statement)) {
		if (word != NULL)
			statement = replace(setup->arena, statement, word,
					    other);
		if (db_admin_run(setup->db, setup->arena, statement, NULL,
				 error_r) < 0)
			return -1;
	}
	/* the next file is not to be loaded as this one may have wished */
	return db_admin_run(setup->db, setup->arena,
			    "SET SESSION sql_mode=DEFAULT", NULL,
			    error_r) < 0 ? -1 : 1;
}

int setup_query_value(struct setup *setup, const char *sql,
		      const char **value_r, const char **error_r)
{
	struct db_rows rows;

	if (db_admin_run(setup->db, setup->arena, sql, &rows, error_r) < 0)
		return -1;
	*value_r = rows.count == 0 || db_value_is_null(rows.rows[0].values) ?
		NULL : db_value_text(rows.rows[0].values);
	return 1;
}

int setup_has_super_admin(struct setup *setup, const char **error_r)
{
	const char *value;

	if (setup_query_value(setup, "SELECT 1 FROM information_schema.TABLES "
			      "WHERE TABLE_SCHEMA=DATABASE() AND "
			      "TABLE_NAME='pymailadmin_account'", &value,
			      error_r) < 0)
		return -1;
	if (value == NULL)
		return 0;
	if (setup_query_value(setup, "SELECT 1 FROM pymailadmin_account "
			      "WHERE role='super_admin' LIMIT 1", &value,
			      error_r) < 0)
		return -1;
	return value == NULL ? 0 : 1;
}

int setup_read_columns(struct setup *setup, const char *database,
		       struct mapping_columns *columns_r, const char **error_r)
{
	struct mapping_column *columns;
	struct db_rows rows;
	size_t i;

	if (db_admin_run(setup->db, setup->arena, arena_printf(setup->arena,
			"SELECT c.TABLE_NAME,c.COLUMN_NAME,c.DATA_TYPE,"
			"COALESCE(c.CHARACTER_SET_NAME,'') "
			"FROM information_schema.COLUMNS c "
			"JOIN information_schema.TABLES t "
			"USING (TABLE_SCHEMA,TABLE_NAME) "
			"WHERE t.TABLE_TYPE='BASE TABLE' AND "
			"c.TABLE_NAME NOT LIKE 'pymailadmin\\_%%' AND "
			"c.TABLE_SCHEMA=%s "
			"ORDER BY c.TABLE_NAME,c.ORDINAL_POSITION",
			db_admin_quote(setup->db, setup->arena, database)),
			&rows, error_r) < 0)
		return -1;
	columns = arena_new(setup->arena, struct mapping_column,
			    rows.count + 1);
	for (i = 0; i < rows.count; i++) {
		const struct db_value *row = rows.rows[i].values;

		columns[i] = (struct mapping_column){
			.table = db_value_text(&row[0]),
			.name = db_value_text(&row[1]),
			.type = db_value_text(&row[2]),
			.charset = db_value_text(&row[3]),
		};
	}
	*columns_r = (struct mapping_columns){ columns, rows.count };
	return 1;
}
