#include "known-device.h"
#include "arena.h"
#include "db.h"

#include <openssl/sha.h>

#include <inttypes.h>
#include <string.h>

_Static_assert(TOKEN_HASH_SIZE == SHA256_DIGEST_LENGTH, "the column's size");

static struct db_value hash_of(struct arena *arena, uint64_t account_id,
			       const char *token)
{
	unsigned char *hash = arena_alloc(arena, TOKEN_HASH_SIZE);
	const char *text = arena_printf(arena, "%" PRIu64 " %s", account_id,
					token);

	(void)SHA256((const unsigned char *)text, strlen(text), hash);
	return DB_BYTES(hash, TOKEN_HASH_SIZE);
}

/* Returns 1 if it was not there. */
static int add(struct db *db, struct arena *arena,
	       const struct db_value params[2], const char **error_r)
{
	int ret;

	ret = db_execute(db, arena,
		"INSERT INTO pymailadmin_known_device(account_id,token_hash) "
		"VALUES(?,?)", params, 2, NULL, error_r);
	if (ret == 0 && db_execute(db, arena,
		"UPDATE pymailadmin_known_device SET seen_at=UTC_TIMESTAMP() "
		"WHERE account_id=? AND token_hash=?", params, 2, NULL,
		error_r) < 0)
		return -1;
	return ret;
}

static int forget_oldest(struct db *db, struct arena *arena,
			 const struct db_value params[2], const char **error_r)
{
	const struct db_value values[] = {
		params[0], params[0], params[1],
		DB_UINT(KNOWN_DEVICE_ACCOUNT_MAX),
	};

	return db_execute(db, arena,
		"DELETE FROM pymailadmin_known_device WHERE account_id=? AND "
		"token_hash NOT IN (SELECT token_hash FROM (SELECT token_hash "
		"FROM pymailadmin_known_device WHERE account_id=? "
		"ORDER BY token_hash=? DESC,seen_at DESC,created_at DESC "
		"LIMIT ?) newest)", values, 4, NULL, error_r) < 0 ? -1 : 0;
}

/* Returns 1 if no browser of the account was ever known. */
static int is_first(struct db *db, struct arena *arena, uint64_t account_id,
		    const char **error_r)
{
	const struct db_value params[] = { DB_UINT(account_id) };
	uint64_t affected;

	if (db_execute(db, arena,
		"UPDATE pymailadmin_account SET devices_since=UTC_TIMESTAMP() "
		"WHERE id=? AND devices_since IS NULL", params, 1, &affected,
		error_r) < 0)
		return -1;
	return affected > 0 ? 1 : 0;
}

static int tell(struct db *db, struct arena *arena, uint64_t account_id,
		const struct known_device_client *client, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), db_text(client->browser),
		db_text(client->network),
	};

	return db_execute(db, arena,
		"INSERT INTO pymailadmin_outbox(account_id,template,args) "
		"VALUES(?,'" NEW_LOGIN_TEMPLATE "',"
		"JSON_OBJECT('browser',?,'network',?))", params, 3, NULL,
		error_r) < 0 ? -1 : 0;
}

int known_device_log_in(struct db *db, struct arena *arena, uint64_t account_id,
			const char *token,
			const struct known_device_client *client,
			const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), hash_of(arena, account_id, token),
	};
	int ret;

	ret = add(db, arena, params, error_r);
	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	if (forget_oldest(db, arena, params, error_r) < 0)
		return -1;
	ret = is_first(db, arena, account_id, error_r);
	if (ret == 0)
		ret = tell(db, arena, account_id, client, error_r);
	return ret < 0 ? -1 : 0;
}

int known_device_forget(struct db *db, struct arena *arena, uint64_t account_id,
			const char *token, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id),
		token == NULL ? DB_BYTES("", 0) :
			hash_of(arena, account_id, token),
	};

	return db_execute(db, arena,
		"DELETE FROM pymailadmin_known_device "
		"WHERE account_id=? AND token_hash<>?", params, 2, NULL,
		error_r) < 0 ? -1 : 0;
}
