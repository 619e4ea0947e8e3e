#include "account.h"
#include "account-private.h"
#include "arena.h"
#include "db.h"
#include "event.h"
#include "known-device.h"
#include "outbox.h"
#include "session.h"

#include <string.h>

static const char *const role_names[ACCOUNT_ROLE_COUNT] = {
	[ACCOUNT_ROLE_USER] = "user",
	[ACCOUNT_ROLE_ADMIN] = "admin",
	[ACCOUNT_ROLE_SUPER_ADMIN] = "super_admin",
};

const char *account_role_name(enum account_role role)
{
	return role_names[role];
}

bool account_role_parse(const char *name, enum account_role *role_r)
{
	unsigned int i;

	for (i = 0; i < ACCOUNT_ROLE_COUNT; i++) {
		if (strcmp(name, role_names[i]) == 0) {
			*role_r = (enum account_role)i;
			return true;
		}
	}
	return false;
}

static unsigned int read_limit(const struct db_value *value)
{
	return db_value_is_null(value) ? ACCOUNT_LIMIT_DEFAULT :
		(unsigned int)db_value_uint(value);
}

struct account *account_from_row(struct arena *arena,
				 const struct db_value *values)
{
	struct account *account = arena_new(arena, struct account, 1);

	account->id = db_value_uint(&values[0]);
	account->email = db_value_text(&values[1]);
	account->language = db_value_text(&values[2]);
	/* a role that is not known has no rights */
	account->role = ACCOUNT_ROLE_USER;
	(void)account_role_parse(db_value_text(&values[3]), &account->role);
	account->max_mailboxes = read_limit(&values[4]);
	account->max_aliases = read_limit(&values[5]);
	account->two_factor = db_value_uint(&values[6]) != 0;
	return account;
}

int account_find(struct db *db, struct arena *arena, const char *email,
		 struct account **account_r, const char **hash_r,
		 const char **error_r)
{
	const struct db_value params[] = { db_text(email) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT " ACCOUNT_COLUMNS ",a.password "
		"FROM pymailadmin_account a WHERE a.email=? AND a.active",
		params, 1, &row, error_r);
	if (ret > 0) {
		*account_r = account_from_row(arena, row);
		*hash_r = db_value_text(&row[ACCOUNT_COLUMNS_COUNT]);
	}
	return ret;
}

int account_get_hash(struct db *db, struct arena *arena, uint64_t id,
		     const char **hash_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT password FROM pymailadmin_account "
		"WHERE id=? AND active", params, 1, &row, error_r);
	if (ret > 0)
		*hash_r = db_value_text(&row[0]);
	return ret;
}

int account_set_language(struct db *db, struct arena *arena, uint64_t id,
			 const char *language, const char **error_r)
{
	const struct db_value params[] = { db_text(language), DB_UINT(id) };

	return db_execute(db, arena,
		"UPDATE pymailadmin_account SET language=? WHERE id=?",
		params, 2, NULL, error_r) < 0 ? -1 : 0;
}

struct password_change {
	struct arena *arena;
	uint64_t id;
	const char *old_hash, *hash, *device;
};

static int change_password(struct db *db, void *context, const char **error_r)
{
	const struct password_change *change = context;
	const struct db_value params[] = {
		db_text(change->hash), DB_UINT(change->id),
		db_text(change->old_hash),
	};
	const struct db_value id[] = { DB_UINT(change->id) };
	uint64_t affected;

	if (db_execute(db, change->arena,
		"UPDATE pymailadmin_account SET password=?,"
		"password_changed_at=UTC_TIMESTAMP() "
		"WHERE id=? AND password=? AND active",
		params, 3, &affected, error_r) < 0)
		return -1;
	if (affected == 0)
		return 0;
	if (db_execute(db, change->arena,
		"DELETE FROM pymailadmin_password_reset WHERE account_id=?",
		id, 1, NULL, error_r) < 0 ||
	    session_end_others(db, change->arena, change->id, NULL,
			       error_r) < 0 ||
	    known_device_forget(db, change->arena, change->id, change->device,
				error_r) < 0 ||
	    event_add_account(db, change->arena, change->id,
			      "account-password-changed", NULL, error_r) < 0 ||
	    outbox_add(db, change->arena, change->id,
		       "account-password-changed", NULL, NULL, error_r) < 0)
		return -1;
	return 1;
}

int account_set_password(struct db *db, struct arena *arena, uint64_t id,
			 const char *old_hash, const char *hash,
			 const char *device, const char **error_r)
{
	struct password_change change = { arena, id, old_hash, hash, device };

	return db_transaction(db, arena, change_password, &change, error_r);
}

int account_upgrade_hash(struct db *db, struct arena *arena, uint64_t id,
			 const char *old_hash, const char *hash,
			 const char **error_r)
{
	const struct db_value params[] = {
		db_text(hash), DB_UINT(id), db_text(old_hash),
	};
	uint64_t affected;

	if (db_execute(db, arena,
		"UPDATE pymailadmin_account SET password=? "
		"WHERE id=? AND password=?", params, 3, &affected,
		error_r) < 0)
		return -1;
	return affected > 0 ? 1 : 0;
}

int account_get_dates(struct db *db, struct arena *arena, uint64_t id,
		      struct account_dates *dates_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT " DB_TO_EPOCH("password_changed_at") ","
		DB_TO_EPOCH("totp_confirmed_at")
		" FROM pymailadmin_account WHERE id=?", params, 1, &row,
		error_r);
	if (ret > 0) {
		dates_r->password_changed = db_value_uint(&row[0]);
		dates_r->two_factor_since = db_value_uint(&row[1]);
	}
	return ret;
}
