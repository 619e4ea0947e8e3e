#include "two-factor.h"
#include "arena.h"
#include "db.h"
#include "event.h"
#include "outbox.h"
#include "session.h"

#include <string.h>

struct two_factor_change {
	struct arena *arena;
	uint64_t account_id, step;
	const unsigned char *sealed;
	const struct backup_code_hashes *codes;
};

int two_factor_load(struct db *db, struct arena *arena, uint64_t account_id,
		    struct two_factor *two_factor_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), DB_UINT(account_id),
	};
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT totp_secret,totp_confirmed_at IS NOT NULL,"
		"totp_last_step,(SELECT COUNT(*) FROM pymailadmin_backup_code "
		"WHERE account_id=? AND used_at IS NULL)," DB_NOW
		" FROM pymailadmin_account WHERE id=? AND active AND "
		"totp_secret IS NOT NULL", params, 2, &row, error_r);
	if (ret <= 0)
		return ret;
	memset(two_factor_r, 0, sizeof(*two_factor_r));
	/* another size does not open */
	if (row[0].size == sizeof(two_factor_r->sealed))
		memcpy(two_factor_r->sealed, row[0].data, row[0].size);
	two_factor_r->confirmed = db_value_uint(&row[1]) != 0;
	two_factor_r->last_step = db_value_uint(&row[2]);
	two_factor_r->codes_left = (unsigned int)db_value_uint(&row[3]);
	two_factor_r->now = db_value_uint(&row[4]);
	return 1;
}

static int update(struct db *db, struct arena *arena, const char *sql,
		  const struct db_value *params, unsigned int count,
		  const char **error_r)
{
	uint64_t affected;

	if (db_execute(db, arena, sql, params, count, &affected, error_r) < 0)
		return -1;
	return affected > 0 ? 1 : 0;
}

int two_factor_begin(struct db *db, struct arena *arena, uint64_t account_id,
		     const unsigned char sealed[TOTP_SEALED_SIZE],
		     const char **error_r)
{
	const struct db_value params[] = {
		DB_BYTES(sealed, TOTP_SEALED_SIZE), DB_UINT(account_id),
	};

	return update(db, arena,
		"UPDATE pymailadmin_account SET totp_secret=?,"
		"totp_last_step=NULL "
		"WHERE id=? AND totp_confirmed_at IS NULL AND active",
		params, 2, error_r);
}

static int delete_codes(struct db *db, struct arena *arena,
			uint64_t account_id, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(account_id) };

	return db_execute(db, arena,
		"DELETE FROM pymailadmin_backup_code WHERE account_id=?",
		params, 1, NULL, error_r) < 0 ? -1 : 0;
}

static int replace_codes(struct db *db, struct two_factor_change *change,
			 const char **error_r)
{
	unsigned int i;

	if (delete_codes(db, change->arena, change->account_id, error_r) < 0)
		return -1;
	for (i = 0; i < BACKUP_CODE_COUNT; i++) {
		const struct db_value params[] = {
			DB_UINT(change->account_id),
			DB_BYTES(change->codes->hashes[i],
				 BACKUP_CODE_HASH_SIZE),
		};

		if (db_execute(db, change->arena,
			"INSERT INTO pymailadmin_backup_code"
			"(account_id,code_hash) VALUES(?,?)",
			params, 2, NULL, error_r) < 0)
			return -1;
	}
	return 0;
}

static int tell(struct db *db, const struct two_factor_change *change,
		const char *kind, const char **error_r)
{
	if (event_add_account(db, change->arena, change->account_id, kind, NULL,
			      error_r) < 0 ||
	    outbox_add(db, change->arena, change->account_id, kind, NULL, NULL,
		       error_r) < 0)
		return -1;
	return 1;
}

static int confirm(struct db *db, void *context, const char **error_r)
{
	struct two_factor_change *change = context;
	const struct db_value params[] = {
		DB_UINT(change->step), DB_UINT(change->account_id),
		DB_BYTES(change->sealed, TOTP_SEALED_SIZE),
	};
	int ret;

	ret = update(db, change->arena,
		"UPDATE pymailadmin_account SET "
		"totp_confirmed_at=UTC_TIMESTAMP(),totp_last_step=? "
		"WHERE id=? AND totp_secret=? AND totp_confirmed_at IS NULL "
		"AND active", params, 3, error_r);
	if (ret <= 0)
		return ret;
	if (replace_codes(db, change, error_r) < 0 ||
	    session_end_others(db, change->arena, change->account_id, NULL,
			       error_r) < 0)
		return -1;
	return tell(db, change, "two-factor-on", error_r);
}

int two_factor_confirm(struct db *db, struct arena *arena, uint64_t account_id,
		       const unsigned char sealed[TOTP_SEALED_SIZE],
		       uint64_t step, const struct backup_code_hashes *codes,
		       const char **error_r)
{
	struct two_factor_change change = {
		.arena = arena, .account_id = account_id, .step = step,
		.sealed = sealed, .codes = codes,
	};

	return db_transaction(db, arena, confirm, &change, error_r);
}

static int disable(struct db *db, void *context, const char **error_r)
{
	struct two_factor_change *change = context;
	const struct db_value params[] = { DB_UINT(change->account_id) };
	int ret;

	ret = update(db, change->arena,
		"UPDATE pymailadmin_account SET totp_secret=NULL,"
		"totp_confirmed_at=NULL,totp_last_step=NULL "
		"WHERE id=? AND totp_secret IS NOT NULL",
		params, 1, error_r);
	if (ret <= 0)
		return ret;
	if (delete_codes(db, change->arena, change->account_id, error_r) < 0)
		return -1;
	return tell(db, change, "two-factor-off", error_r);
}

int two_factor_disable(struct db *db, struct arena *arena, uint64_t account_id,
		       const char **error_r)
{
	struct two_factor_change change = {
		.arena = arena, .account_id = account_id,
	};

	return db_transaction(db, arena, disable, &change, error_r) < 0 ?
		-1 : 0;
}

int two_factor_use_step(struct db *db, struct arena *arena,
			uint64_t account_id, uint64_t step,
			const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(step), DB_UINT(account_id), DB_UINT(step),
	};

	return update(db, arena,
		"UPDATE pymailadmin_account SET totp_last_step=? WHERE id=? "
		"AND active AND totp_confirmed_at IS NOT NULL AND "
		"COALESCE(totp_last_step,0)<?", params, 3, error_r);
}

int two_factor_use_code(struct db *db, struct arena *arena,
			uint64_t account_id,
			const unsigned char hash[BACKUP_CODE_HASH_SIZE],
			const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), DB_BYTES(hash, BACKUP_CODE_HASH_SIZE),
	};

	return update(db, arena,
		"UPDATE pymailadmin_backup_code SET used_at=UTC_TIMESTAMP() "
		"WHERE account_id=? AND code_hash=? AND used_at IS NULL",
		params, 2, error_r);
}

static int set_codes(struct db *db, void *context, const char **error_r)
{
	struct two_factor_change *change = context;
	const struct db_value params[] = { DB_UINT(change->account_id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, change->arena,
		"SELECT 1 FROM pymailadmin_account WHERE id=? AND "
		"totp_confirmed_at IS NOT NULL FOR UPDATE",
		params, 1, &row, error_r);
	if (ret <= 0)
		return ret;
	if (replace_codes(db, change, error_r) < 0)
		return -1;
	return tell(db, change, "backup-codes-changed", error_r);
}

int two_factor_set_codes(struct db *db, struct arena *arena,
			 uint64_t account_id,
			 const struct backup_code_hashes *codes,
			 const char **error_r)
{
	struct two_factor_change change = {
		.arena = arena, .account_id = account_id, .codes = codes,
	};

	return db_transaction(db, arena, set_codes, &change, error_r);
}
