#include "lib.h"
#include "hostpid.h"
#include "request-store.h"
#include "schema-version.h"
#include "sql-check.h"
#include "check.h"

#include <sysexits.h>

/* The timer runs every few seconds. */
#define CHECK_LAST_RUN_MAX_SECS (5*60)

/* Returns FALSE if the database cannot be asked. */
static bool check_server(struct check *check)
{
	const char *name = "database", *version, *error;

	if (request_store_init(check->set_event, &check->store, &error) < 0) {
		check_error(check, name, EX_CONFIG, "%s; set sql_driver and "
			"mysql { } as for the passdb, or in a block "
			"pymailadmin_sql { }", error);
		return FALSE;
	}
	if (sql_check_server(check->store, &version, &error) < 0) {
		check_error(check, name, EX_TEMPFAIL, "it cannot be reached, "
			"and what is in it is not checked; logins are refused "
			"until it can: %s; standard error says why, such as a "
			"certificate that is not accepted", error);
		request_store_deinit(&check->store);
		return FALSE;
	}
	check_ok(check, name, "%s", version);
	return TRUE;
}

static void check_tables(struct check *check)
{
	const char *name = "tables", *error;
	unsigned int version;
	int ret;

	if (!sql_check_all(check->store, SQL_CHECK_TABLE, &error)) {
		check_error(check, name, EX_CONFIG, "%s; load pymailadmin's "
			"numbered SQL files, or if they are older run: "
			"doveadm pymailadmin upgrade; then views-default.sql "
			"(fitted to your tables) and grants-plugin.sql",
			error);
		return;
	}
	ret = sql_check_schema(check->store, &error);
	if (ret < 0) {
		/* the rights' line says why */
		check_ok(check, name, "all there, of an unknown version");
	} else if (ret == 0) {
		check_error(check, name, EX_CONFIG, "%s; until then requests "
			"are not worked on, and logins go on", error);
	} else if (sql_check_schema_version(check->store, &version,
					    &error) > 0 &&
		   version < SCHEMA_VERSION_NEWEST) {
		check_warning(check, name, "they are of version %u, version "
			"%u is there; run: doveadm pymailadmin upgrade",
			version, SCHEMA_VERSION_NEWEST);
	} else {
		check_ok(check, name, "all there, version %u",
			 SCHEMA_VERSION_NEWEST);
	}
}

static void check_rights(struct check *check)
{
	const char *name = "rights", *error;

	if (!sql_check_all(check->store, SQL_CHECK_DENIED, &error)) {
		check_error(check, name, EX_CONFIG,
			    "%s; load grants-plugin.sql", error);
	} else {
		check_ok(check, name, "all there");
	}
}

static void check_timer(struct check *check)
{
	const char *name = "timer", *error;
	const char *advice = "run: systemctl enable --now "
		"pymailadmin-process.timer";
	unsigned int secs;
	int ret;

	ret = sql_check_last_run(check->store, my_hostname, &secs, &error);
	if (ret < 0) {
		/* the tables' or the rights' line says why */
	} else if (ret == 0) {
		check_warning(check, name, "\"doveadm pymailadmin process\" "
			"has never run on %s, and requests are not worked on; "
			"%s", my_hostname, advice);
	} else if (secs > CHECK_LAST_RUN_MAX_SECS) {
		check_warning(check, name, "\"doveadm pymailadmin process\" "
			"has not run on %s for %u minutes; %s", my_hostname,
			secs / 60, advice);
	} else {
		check_ok(check, name, "it ran %u seconds ago", secs);
	}
}

void check_database(struct check *check)
{
	if (!check_server(check))
		return;
	check_tables(check);
	check_rights(check);
	check_timer(check);
}
