#include "setup-private.h"
#include "arena.h"
#include "bytes.h"

#include <string.h>
#include <strings.h>

/* As long as the longest hash the portal makes, and more than an INT holds. */
#define CHECK_HASH "{SHA512-CRYPT}$6$rounds=5000000$pymailadminsetup$" \
	"0123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345"
#define CHECK_QUOTA "5368709120"

static const char *const views[] = {
	"pymailadmin_domain", "pymailadmin_mailbox", "pymailadmin_alias"
};

static int check_reads(struct setup *setup, const char **error_r)
{
	const char *counts[3], *orphans;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (setup_query_value(setup, arena_printf(setup->arena,
				"SELECT COUNT(*) FROM %s", views[i]),
				&counts[i], error_r) < 0)
			return -1;
	}
	setup_say(setup, MSG_setup_mapping_counts,
		  LANGUAGE_TEXT("domains", counts[0]),
		  LANGUAGE_TEXT("mailboxes", counts[1]),
		  LANGUAGE_TEXT("aliases", counts[2]));
	/* columns with columns, which MariaDB compares by stricter rules */
	if (setup_query_value(setup, "SELECT COUNT(*) FROM pymailadmin_mailbox "
			      "m,pymailadmin_domain d,pymailadmin_alias a,"
			      "information_schema.SCHEMATA s WHERE FALSE AND "
			      "m.address=CAST(s.SCHEMA_NAME AS CHAR) AND "
			      "d.name=CAST(s.SCHEMA_NAME AS CHAR) AND "
			      "a.destination=CAST(m.address AS CHAR)",
			      &orphans, error_r) < 0 ||
	    setup_query_value(setup, "SELECT m.address FROM "
			      "pymailadmin_mailbox m LEFT JOIN "
			      "pymailadmin_domain d ON d.id=m.domain_id "
			      "WHERE d.id IS NULL OR m.address NOT LIKE '%@%' "
			      "LIMIT 1", &orphans, error_r) < 0)
		return -1;
	if (orphans != NULL)
		setup_say(setup, MSG_setup_mapping_orphan,
			  LANGUAGE_TEXT("address", orphans));
	return 1;
}

/* A table that nothing can be taken back from; NULL if there is none. */
static int find_unsafe_table(struct setup *setup, const char **table_r,
			     const char **error_r)
{
	const char *const *names = setup->mapping.names;
	struct db_admin *db = setup->db;
	struct arena *arena = setup->arena;

	if (names[MAPPING_DOMAIN_TABLE] == NULL) {
		/* views of somebody's own: any table may be theirs */
		return setup_query_value(setup, "SELECT TABLE_NAME FROM "
			"information_schema.TABLES WHERE "
			"TABLE_SCHEMA=DATABASE() AND TABLE_TYPE='BASE TABLE' "
			"AND ENGINE<>'InnoDB' LIMIT 1", table_r, error_r);
	}
	return setup_query_value(setup, arena_printf(arena,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE "
		"TABLE_SCHEMA=DATABASE() AND ENGINE<>'InnoDB' AND (TABLE_NAME "
		"IN (%s,%s,%s)%s) LIMIT 1",
		db_admin_quote(db, arena, names[MAPPING_DOMAIN_TABLE]),
		db_admin_quote(db, arena, names[MAPPING_MAILBOX_TABLE]),
		db_admin_quote(db, arena, names[MAPPING_ALIAS_TABLE]),
		strcmp(setup->mapping.title, "PostfixAdmin") != 0 ? "" :
		" OR TABLE_NAME IN ('quota','quota2','vacation',"
		"'vacation_notification','fetchmail','mailbox_app_password',"
		"'totp_exception_address')"), table_r, error_r);
}

struct check {
	/* Statements, with the mailbox's address for %s and an alias for %s. */
	const char *sql;
	/* What the first column of the one row has to be; NULL: no row. */
	const char *expected;
};

static const struct check checks[] = {
	{ "CALL pymailadmin_mailbox_insert(@pma_mailbox,'" CHECK_HASH "',"
	  CHECK_QUOTA ")", NULL },
	{ "SELECT m.password FROM pymailadmin_mailbox m JOIN "
	  "pymailadmin_domain d ON d.id=m.domain_id "
	  "WHERE m.address=CAST(@pma_mailbox AS CHAR)", CHECK_HASH },
	{ "SELECT quota FROM pymailadmin_mailbox "
	  "WHERE address=CAST(@pma_mailbox AS CHAR)", CHECK_QUOTA },
	{ "UPDATE pymailadmin_mailbox SET password='{PLAIN}x' "
	  "WHERE address=CAST(@pma_mailbox AS CHAR)", NULL },
	{ "CALL pymailadmin_mailbox_activate(@pma_mailbox)", NULL },
	{ "SELECT CONCAT(password,active) FROM pymailadmin_mailbox "
	  "WHERE address=CAST(@pma_mailbox AS CHAR)", "{PLAIN}x1" },
	{ "CALL pymailadmin_alias_insert(@pma_mailbox,@pma_alias)", NULL },
	{ "UPDATE pymailadmin_alias SET source=CONCAT('x',source) "
	  "WHERE source=CAST(@pma_alias AS CHAR)", NULL },
	{ "SELECT destination=CAST(@pma_mailbox AS CHAR) FROM "
	  "pymailadmin_alias "
	  "WHERE source=CAST(CONCAT('x',@pma_alias) AS CHAR)", "1" },
	{ "DELETE FROM pymailadmin_alias "
	  "WHERE destination=CAST(@pma_mailbox AS CHAR)", NULL },
	{ "SELECT COUNT(*) FROM pymailadmin_alias "
	  "WHERE destination=CAST(@pma_mailbox AS CHAR)", "0" },
	{ "CALL pymailadmin_mailbox_remove(@pma_mailbox)", NULL },
	{ "SELECT COUNT(*) FROM pymailadmin_mailbox "
	  "WHERE address=CAST(@pma_mailbox AS CHAR)", "0" },
};

static int run_check(struct setup *setup, const struct check *check,
		     const char **error_r)
{
	const char *value;

	if (setup_query_value(setup, check->sql, &value, error_r) < 0)
		return -1;
	if (check->expected == NULL ||
	    (value != NULL && strcmp(value, check->expected) == 0))
		return 1;
	/* a table without quotas shows none */
	if (strcmp(check->expected, CHECK_QUOTA) == 0 &&
	    setup->mapping.names[MAPPING_DOMAIN_TABLE] != NULL &&
	    setup->mapping.names[MAPPING_MAILBOX_QUOTA] == NULL)
		return 1;
	*error_r = arena_printf(setup->arena, "%s: \"%s\", not \"%s\"",
				check->sql, value == NULL ? "" : value,
				check->expected);
	return -1;
}

/* What is too small for it is to be an error, as it is for the portal. */
static int run_checks(struct setup *setup, const char *domain,
		      const char **error_r)
{
	unsigned char random[8];
	char name[2 * sizeof(random) + 1];
	unsigned int i;

	bytes_random(random, sizeof(random));
	bytes_to_hex(random, sizeof(random), name);
	if (db_admin_run(setup->db, setup->arena, arena_printf(setup->arena,
			"SET @pma_mailbox=CONCAT('setup-%s@',%s),"
			"@pma_alias=CONCAT('setup-alias-%s@',%s),"
			"@pma_mode=@@sql_mode,"
			"sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
			name, db_admin_quote(setup->db, setup->arena, domain),
			name, db_admin_quote(setup->db, setup->arena, domain)),
			NULL, error_r) < 0)
		return -1;
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (run_check(setup, &checks[i], error_r) < 0)
			return -1;
	}
	return 1;
}

static int check_writes(struct setup *setup, const char *domain,
			const char **error_r)
{
	const char *error;
	int ret;

	if (db_admin_run(setup->db, setup->arena, "START TRANSACTION", NULL,
			 error_r) < 0)
		return -1;
	ret = run_checks(setup, domain, error_r);
	if (db_admin_run(setup->db, setup->arena, "ROLLBACK", NULL,
			 &error) < 0 ||
	    db_admin_run(setup->db, setup->arena, "SET sql_mode="
			 "COALESCE(@pma_mode,@@sql_mode)", NULL, &error) < 0) {
		if (ret > 0)
			*error_r = error;
		return -1;
	}
	return ret;
}

/* Before it is tried: what to do about it is not in the database's words. */
static void warn_of_small_columns(struct setup *setup)
{
	const struct mapping *mapping = &setup->mapping;
	const char *table = mapping->names[MAPPING_MAILBOX_TABLE];
	const char *quota = mapping->names[MAPPING_MAILBOX_QUOTA];
	const struct mapping_column *column;

	if (table == NULL || quota == NULL)
		return;
	column = mapping_find_column(&setup->columns, table, quota);
	if (column != NULL && strcasecmp(column->type, "int") == 0)
		setup_say(setup, MSG_setup_quota_small,
			  LANGUAGE_TEXT("table", table),
			  LANGUAGE_TEXT("column", quota));
}

int setup_check_mapping(struct setup *setup, const char **error_r)
{
	const char *table, *domain;

	if (check_reads(setup, error_r) < 0 ||
	    find_unsafe_table(setup, &table, error_r) < 0 ||
	    setup_query_value(setup, "SELECT name FROM pymailadmin_domain "
			      "ORDER BY name LIMIT 1", &domain, error_r) < 0)
		return -1;
	if (table != NULL) {
		setup_say(setup, MSG_setup_mapping_unsafe,
			  LANGUAGE_TEXT("table", table));
		return 1;
	}
	if (domain == NULL) {
		setup_say(setup, MSG_setup_mapping_empty);
		return 1;
	}
	warn_of_small_columns(setup);
	if (check_writes(setup, domain, error_r) < 0)
		return -1;
	setup_say(setup, MSG_setup_mapping_right);
	return 1;
}
