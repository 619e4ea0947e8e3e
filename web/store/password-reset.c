#include "password-reset.h"
#include "arena.h"
#include "db.h"
#include "event.h"
#include "known-device.h"
#include "outbox.h"
#include "session.h"

#include <openssl/crypto.h>
#include <string.h>

int password_reset_request(struct db *db, struct arena *arena,
			   const char *email, const char **error_r)
{
	const struct db_value params[] = { db_text(email) };

	return db_execute(db, arena,
		"INSERT INTO pymailadmin_outbox(account_id,template) "
		"SELECT a.id,'" PASSWORD_RESET_TEMPLATE "' "
		"FROM pymailadmin_account a WHERE a.email=? AND a.active AND "
		"NOT EXISTS (SELECT 1 FROM pymailadmin_outbox o "
		"WHERE o.account_id=a.id AND o.sent_at IS NULL AND "
		"o.template='" PASSWORD_RESET_TEMPLATE "')",
		params, 1, NULL, error_r) < 0 ? -1 : 0;
}

int password_reset_create(struct db *db, struct arena *arena,
			  uint64_t account_id, uint64_t lifetime_secs,
			  char token_r[TOKEN_SIZE], const char **error_r)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	char token[TOKEN_SIZE];
	const struct db_value id[] = { DB_UINT(account_id) };
	const struct db_value params[] = {
		DB_BYTES(hash, sizeof(hash)), DB_UINT(lifetime_secs),
		DB_UINT(account_id),
	};
	uint64_t affected = 0;
	int ret;

	token_generate(token);
	(void)token_hash(token, hash);
	ret = db_execute(db, arena,
		"DELETE FROM pymailadmin_password_reset WHERE account_id=?",
		id, 1, NULL, error_r);
	if (ret > 0)
		ret = db_execute(db, arena,
			"INSERT INTO pymailadmin_password_reset(token_hash,"
			"account_id,expires_at) SELECT ?,id,"
			"UTC_TIMESTAMP()+INTERVAL ? SECOND "
			"FROM pymailadmin_account WHERE id=? AND active",
			params, 3, &affected, error_r);
	if (ret > 0 && affected == 0)
		ret = 0;
	if (ret > 0)
		memcpy(token_r, token, sizeof(token));
	OPENSSL_cleanse(token, sizeof(token));
	return ret;
}

int password_reset_find(struct db *db, struct arena *arena, const char *token,
			const char **email_r, const char **error_r)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	const struct db_value params[] = { DB_BYTES(hash, sizeof(hash)) };
	const struct db_value *row;
	int ret;

	if (!token_hash(token, hash))
		return 0;
	ret = db_query_row(db, arena,
		"SELECT a.email FROM pymailadmin_password_reset p "
		"JOIN pymailadmin_account a ON a.id=p.account_id "
		"WHERE p.token_hash=? AND p.expires_at>UTC_TIMESTAMP() AND "
		"a.active", params, 1, &row, error_r);
	if (ret > 0)
		*email_r = db_value_text(&row[0]);
	return ret;
}

struct reset {
	struct arena *arena;
	const unsigned char *token_hash;
	const char *hash;
};

/* The row is locked and goes: a second one that has the link finds none. */
static int take_token(struct db *db, const struct reset *reset,
		      uint64_t *account_id_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_BYTES(reset->token_hash, TOKEN_HASH_SIZE),
	};
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, reset->arena,
		"SELECT p.account_id FROM pymailadmin_password_reset p "
		"JOIN pymailadmin_account a ON a.id=p.account_id "
		"WHERE p.token_hash=? AND p.expires_at>UTC_TIMESTAMP() AND "
		"a.active FOR UPDATE", params, 1, &row, error_r);
	if (ret <= 0)
		return ret;
	*account_id_r = db_value_uint(&row[0]);
	return db_execute(db, reset->arena,
		"DELETE FROM pymailadmin_password_reset WHERE token_hash=?",
		params, 1, NULL, error_r);
}

static int use(struct db *db, void *context, const char **error_r)
{
	const struct reset *reset = context;
	uint64_t account_id = 0;
	int ret;

	ret = take_token(db, reset, &account_id, error_r);
	if (ret <= 0)
		return ret;
	const struct db_value params[] = {
		db_text(reset->hash), DB_UINT(account_id),
	};
	if (db_execute(db, reset->arena,
		"UPDATE pymailadmin_account SET password=?,"
		"password_changed_at=UTC_TIMESTAMP() WHERE id=?",
		params, 2, NULL, error_r) < 0 ||
	    session_end_others(db, reset->arena, account_id, NULL,
			       error_r) < 0 ||
	    known_device_forget(db, reset->arena, account_id, NULL,
				error_r) < 0 ||
	    event_add_account(db, reset->arena, account_id,
			      "account-password-reset", NULL, error_r) < 0 ||
	    outbox_add(db, reset->arena, account_id,
		       "account-password-changed", NULL, NULL, error_r) < 0)
		return -1;
	return 1;
}

int password_reset_use(struct db *db, struct arena *arena, const char *token,
		       const char *hash, const char **error_r)
{
	unsigned char bytes[TOKEN_HASH_SIZE];
	struct reset reset = { arena, bytes, hash };

	if (!token_hash(token, bytes))
		return 0;
	return db_transaction(db, arena, use, &reset, error_r);
}
