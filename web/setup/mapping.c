#define _GNU_SOURCE /* strcasestr() */
#include "mapping.h"

#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 8

/* In the order of enum mapping_name. Without names: a file does it all. */
static const struct {
	struct mapping mapping;
	/* "table.column" that have to be there beside the names. */
	const char *columns[COLUMNS_MAX];
} known[] = {
	{ { "PostfixAdmin", "views-postfixadmin.sql", false,
	    { "domain", "domain", "domain", "mailbox", "username", "domain",
	      "username", "password", "quota", "active", "alias", "address",
	      "domain", "address", "goto" } },
	  { "domain.backupmx", "mailbox.maildir", "mailbox.local_part",
	    "mailbox.name", "mailbox.password_expiry", "alias.active" } },
	{ { "ISPmail", "views-ispmail.sql", false,
	    { "virtual_domains", "id", "name", "virtual_users", "id",
	      "domain_id", "email", "password", "quota", NULL,
	      "virtual_aliases", "id", "domain_id", "source",
	      "destination" } }, { NULL } },
	{ { "ISPmail", NULL, false,
	    { "virtual_domains", "id", "name", "virtual_users", "id",
	      "domain_id", "email", "password", NULL, NULL,
	      "virtual_aliases", "id", "domain_id", "source",
	      "destination" } }, { NULL } },
	{ { "README.md", "views-default.sql", false,
	    { "domain", "id", "domain", "users", "id", "domain_id", "email",
	      "crypt", "quota", "active", "alias", "id", "domain_id",
	      "source", "destination" } }, { NULL } },
};

/* What each may be called, the likeliest first; of tables, a part of it. */
static const char *const likely[MAPPING_NAME_COUNT][COLUMNS_MAX] = {
	[MAPPING_DOMAIN_TABLE] = { "domain" },
	[MAPPING_DOMAIN_ID] = { "id", "domain_id", "domain" },
	[MAPPING_DOMAIN_NAME] = { "name", "domain", "domain_name" },
	[MAPPING_MAILBOX_TABLE] = { "mailbox", "user", "account" },
	[MAPPING_MAILBOX_ID] = { "id", "user_id", "email", "username" },
	[MAPPING_MAILBOX_DOMAIN_ID] = { "domain_id", "domain" },
	[MAPPING_MAILBOX_ADDRESS] = { "email", "address", "mail", "username",
				      "user", "login" },
	[MAPPING_MAILBOX_PASSWORD] = { "password", "crypt", "hash", "passwd",
				       "pass", "userpassword" },
	[MAPPING_MAILBOX_QUOTA] = { "quota", "quota_bytes", "mailquota" },
	[MAPPING_MAILBOX_ACTIVE] = { "active", "enabled", "is_active" },
	[MAPPING_ALIAS_TABLE] = { "alias", "forward", "redirect" },
	[MAPPING_ALIAS_ID] = { "id", "alias_id", "address" },
	[MAPPING_ALIAS_DOMAIN_ID] = { "domain_id", "domain" },
	[MAPPING_ALIAS_SOURCE] = { "source", "alias", "address" },
	[MAPPING_ALIAS_DESTINATION] = { "destination", "target", "goto",
					"email" },
};

const struct mapping_column *
mapping_find_column(const struct mapping_columns *columns, const char *table,
		    const char *name)
{
	size_t i;

	for (i = 0; i < columns->count; i++) {
		if (strcmp(columns->columns[i].table, table) == 0 &&
		    strcasecmp(columns->columns[i].name, name) == 0)
			return &columns->columns[i];
	}
	return NULL;
}

bool mapping_has_table(const struct mapping_columns *columns,
		       const char *table)
{
	size_t i;

	for (i = 0; i < columns->count; i++) {
		if (strcmp(columns->columns[i].table, table) == 0)
			return true;
	}
	return false;
}

bool mapping_name_is_table(enum mapping_name name)
{
	return name == MAPPING_DOMAIN_TABLE || name == MAPPING_MAILBOX_TABLE ||
		name == MAPPING_ALIAS_TABLE;
}

const char *mapping_table_of(const struct mapping *mapping,
			     enum mapping_name name)
{
	return mapping->names[name < MAPPING_MAILBOX_TABLE ?
			      MAPPING_DOMAIN_TABLE :
			      name < MAPPING_ALIAS_TABLE ?
			      MAPPING_MAILBOX_TABLE : MAPPING_ALIAS_TABLE];
}

static bool has_names(const struct mapping_columns *columns,
		      const struct mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < MAPPING_NAME_COUNT; i++) {
		const enum mapping_name name = (enum mapping_name)i;

		if (!mapping_name_is_table(name) && mapping->names[i] != NULL &&
		    mapping_find_column(columns,
					mapping_table_of(mapping, name),
					mapping->names[i]) == NULL)
			return false;
	}
	return true;
}

static bool has_columns(const struct mapping_columns *columns,
			const char *const *names)
{
	char table[65];
	const char *dot;

	for (; *names != NULL; names++) {
		dot = strchr(*names, '.');
		memcpy(table, *names, (size_t)(dot - *names));
		table[dot - *names] = '\0';
		if (mapping_find_column(columns, table, dot + 1) == NULL)
			return false;
	}
	return true;
}

void mapping_look_at_charsets(const struct mapping_columns *columns,
			      struct mapping *mapping)
{
	static const enum mapping_name compared[] = {
		MAPPING_DOMAIN_NAME, MAPPING_MAILBOX_ADDRESS,
		MAPPING_ALIAS_DESTINATION
	};
	const struct mapping_column *column;
	unsigned int i;

	mapping->converts = false;
	for (i = 0; i < sizeof(compared) / sizeof(compared[0]); i++) {
		column = mapping_find_column(columns,
			mapping_table_of(mapping, compared[i]),
			mapping->names[compared[i]]);
		if (column != NULL && strncmp(column->charset, "utf8", 4) != 0)
			mapping->converts = true;
	}
	/* the others' files are for what they have today */
	if (mapping->converts && mapping->names[MAPPING_ALIAS_ID] != NULL &&
	    strcmp(mapping->names[MAPPING_ALIAS_ID],
		   mapping->names[MAPPING_ALIAS_SOURCE]) != 0)
		mapping->file = NULL;
}

bool mapping_recognise(const struct mapping_columns *columns,
		       struct mapping *mapping_r)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (has_names(columns, &known[i].mapping) &&
		    has_columns(columns, known[i].columns)) {
			*mapping_r = known[i].mapping;
			mapping_look_at_charsets(columns, mapping_r);
			return true;
		}
	}
	return false;
}

static const char *propose_table(const struct mapping_columns *columns,
				 const char *part)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < columns->count; i++) {
		const char *table = columns->columns[i].table;

		/* the shortest: "domains", not "domain_admins" */
		if (strcasestr(table, part) != NULL &&
		    (found == NULL || strlen(table) < strlen(found)))
			found = table;
	}
	return found;
}

const char *mapping_propose(const struct mapping_columns *columns,
			    const struct mapping *mapping,
			    enum mapping_name name)
{
	const struct mapping_column *column;
	const char *found = NULL;
	unsigned int i;

	for (i = 0; i < COLUMNS_MAX && likely[name][i] != NULL &&
	     found == NULL; i++) {
		if (mapping_name_is_table(name)) {
			found = propose_table(columns, likely[name][i]);
			continue;
		}
		column = mapping_find_column(columns,
			mapping_table_of(mapping, name), likely[name][i]);
		if (column != NULL)
			found = column->name;
	}
	return found;
}
