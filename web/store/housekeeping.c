#include "housekeeping.h"
#include "arena.h"
#include "db.h"
#include "known-device.h"
#include "registration.h"
#include "schema-version.h"

/* Each once more is as good. Full buckets are those nobody took from for as long
   as the slowest takes to fill. */
static const struct {
	const char *sql;
	enum {
		NONE,
		IDLE,
		REMIND,
		DEVICES
	} parameter;
} statements[] = {
	{ "DELETE FROM pymailadmin_session WHERE "
	  "expires_at<UTC_TIMESTAMP() LIMIT 5000", NONE },
	{ "DELETE FROM pymailadmin_session WHERE "
	  "seen_at<UTC_TIMESTAMP()-INTERVAL ? SECOND LIMIT 5000", IDLE },
	{ "DELETE FROM pymailadmin_password_reset WHERE "
	  "expires_at<UTC_TIMESTAMP() LIMIT 5000", NONE },
	{ "DELETE FROM pymailadmin_known_device WHERE "
	  "seen_at<UTC_TIMESTAMP()-INTERVAL ? SECOND LIMIT 5000", DEVICES },
	{ "DELETE FROM pymailadmin_rate_limit WHERE "
	  "updated_at<UTC_TIMESTAMP()-INTERVAL 7 DAY LIMIT 5000", NONE },
	{ "DELETE FROM pymailadmin_outbox WHERE "
	  "sent_at<UTC_TIMESTAMP()-INTERVAL 7 DAY LIMIT 5000", NONE },
	/* nobody would want it any more */
	{ "DELETE FROM pymailadmin_outbox WHERE sent_at IS NULL AND "
	  "created_at<UTC_TIMESTAMP()-INTERVAL 7 DAY LIMIT 5000", NONE },
	{ "UPDATE pymailadmin_account SET totp_secret=NULL,"
	  "totp_last_step=NULL WHERE totp_secret IS NOT NULL AND "
	  "totp_confirmed_at IS NULL AND NOT EXISTS (SELECT 1 FROM "
	  "pymailadmin_session s WHERE s.account_id=pymailadmin_account.id)",
	  NONE },
	{ "CALL pymailadmin_reservations_clear()", NONE },
	{ "CALL pymailadmin_registrations_keep(?)", REMIND },
};

int housekeeping_run(struct db *db, struct arena *arena, uint64_t idle_secs,
		     uint64_t *rows_r, const char **error_r)
{
	const struct db_value values[] = {
		DB_NULL, DB_UINT(idle_secs), DB_UINT(REGISTRATION_REMIND_SECS),
		DB_UINT(KNOWN_DEVICE_SECS),
	};
	uint64_t rows = 0, affected;
	const struct db_value *row;
	const char *error;
	unsigned int i;
	int ret = 0;

	/* what one of them meets is none of the others' business, unless the
	   database is gone: that would be waited for with each */
	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (db_execute(db, arena, statements[i].sql,
			       &values[statements[i].parameter],
			       statements[i].parameter == NONE ?
			       0 : 1, &affected, &error) >= 0) {
			rows += affected;
			continue;
		}
		if (ret == 0)
			*error_r = error;
		ret = -1;
		if (db_is_unavailable(db) &&
		    db_query_row(db, arena, "SELECT 1", NULL, 0, &row,
				 &error) < 0)
			break;
	}
	*rows_r = rows;
	return ret;
}

int schema_check(struct db *db, struct arena *arena, const char **error_r)
{
	const struct db_value *row;
	uint64_t version;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT COALESCE(MAX(version),0) "
		"FROM pymailadmin_schema_version", NULL, 0, &row, error_r);
	if (ret < 0)
		return -1;
	version = ret == 0 ? 0 : db_value_uint(&row[0]);
	if (version < SCHEMA_VERSION_MIN) {
		*error_r = arena_printf(arena, "the database's tables are of "
			"version %llu, the portal needs version %u; run on "
			"the mail host: doveadm pymailadmin upgrade",
			(unsigned long long)version, SCHEMA_VERSION_MIN);
		return 0;
	}
	if (version > SCHEMA_VERSION_NEWEST) {
		*error_r = arena_printf(arena, "the database's tables are of "
			"version %llu, this portal knows version %u; install "
			"the pymailadmin they belong to",
			(unsigned long long)version, SCHEMA_VERSION_NEWEST);
		return 0;
	}
	return 1;
}
