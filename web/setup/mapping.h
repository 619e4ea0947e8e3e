#ifndef MAPPING_H
#define MAPPING_H

/* Which tables of a mail server the views show: recognised by the names of
   columns, proposed, and written down as SQL. Pure; results are in the
   arena. */

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A column of the database, of a table that is no view. */
struct mapping_column {
	const char *table, *name;
	/* "bigint" ... */
	const char *type;
	/* "latin1" ..., "" if it is no text. */
	const char *charset;
};

struct mapping_columns {
	const struct mapping_column *columns;
	size_t count;
};

enum mapping_name {
	MAPPING_DOMAIN_TABLE,
	MAPPING_DOMAIN_ID,
	MAPPING_DOMAIN_NAME,
	MAPPING_MAILBOX_TABLE,
	MAPPING_MAILBOX_ID,
	MAPPING_MAILBOX_DOMAIN_ID,
	MAPPING_MAILBOX_ADDRESS,
	MAPPING_MAILBOX_PASSWORD,
	/* These two may be NULL. */
	MAPPING_MAILBOX_QUOTA,
	MAPPING_MAILBOX_ACTIVE,
	MAPPING_ALIAS_TABLE,
	MAPPING_ALIAS_ID,
	MAPPING_ALIAS_DOMAIN_ID,
	MAPPING_ALIAS_SOURCE,
	MAPPING_ALIAS_DESTINATION,

	MAPPING_NAME_COUNT
};

struct mapping {
	/* What the tables are called in talk: "PostfixAdmin". */
	const char *title;
	/* Of sql/, that fits; NULL: mapping_sql() writes it. */
	const char *file;
	/* Names and addresses are in no character set of Unicode, and are to
	   be converted where they are compared with ours. */
	bool converts;
	const char *names[MAPPING_NAME_COUNT];
};

/* NULL if there is no such column. */
const struct mapping_column *
mapping_find_column(const struct mapping_columns *columns, const char *table,
		    const char *name);
bool mapping_has_table(const struct mapping_columns *columns,
		       const char *table);

/* Returns false if it is none of those that are known. */
bool mapping_recognise(const struct mapping_columns *columns,
		       struct mapping *mapping_r);
/* Is it the name of a table, not of a column? */
bool mapping_name_is_table(enum mapping_name name);
/* The table that a column's name is looked for in. */
const char *mapping_table_of(const struct mapping *mapping,
			     enum mapping_name name);
/* What it probably is, by the names before it, which are set. NULL if nothing
   looks like it. */
const char *mapping_propose(const struct mapping_columns *columns,
			    const struct mapping *mapping,
			    enum mapping_name name);
/* Sets converts, once all names are set. */
void mapping_look_at_charsets(const struct mapping_columns *columns,
			      struct mapping *mapping);
/* The views and procedures of views-default.sql for other names. */
const char *mapping_sql(struct arena *arena, const struct mapping *mapping);

#endif
