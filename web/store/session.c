#include "session.h"
#include "account-private.h"
#include "arena.h"
#include "db.h"

#include <openssl/crypto.h>
#include <string.h>

#define USER_AGENT_MAX 200
#define CLIENT_ADDRESS_MAX 45

#define SESSION_COLUMNS \
	"s.id_hash,s.csrf_key,s.account_id,s.stage," \
	DB_TO_EPOCH("s.created_at") "," DB_TO_EPOCH("s.seen_at") "," \
	DB_TO_EPOCH("s.expires_at") "," DB_NOW ",s.second_factor," \
	"s.user_agent,s.client_address"
#define SESSION_COLUMNS_COUNT 11
/* Its parameter is how many seconds a session may be idle. */
#define SESSION_IS_HONOURED \
	"a.active AND s.role=a.role AND " \
	"s.created_at>=a.password_changed_at AND " \
	"s.expires_at>UTC_TIMESTAMP() AND " \
	"s.seen_at>UTC_TIMESTAMP()-INTERVAL ? SECOND"

static const char *stage_name(enum session_stage stage)
{
	return stage == SESSION_STAGE_FULL ? "full" : "code";
}

/* What goes into an ASCII column, for people's eyes. */
static const char *label(struct arena *arena, const char *text, size_t max)
{
	char *copy, *p;

	copy = arena_strndup(arena, text == NULL ? "" : text, max);
	for (p = copy; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	return copy;
}

static struct session *session_from_row(struct arena *arena,
					const struct db_value *row)
{
	struct session *session = arena_new(arena, struct session, 1);

	if (row[0].size == sizeof(session->id_hash))
		memcpy(session->id_hash, row[0].data, row[0].size);
	if (row[1].size == sizeof(session->csrf_key))
		memcpy(session->csrf_key, row[1].data, row[1].size);
	session->account_id = db_value_uint(&row[2]);
	session->stage = strcmp(db_value_text(&row[3]), "full") == 0 ?
		SESSION_STAGE_FULL : SESSION_STAGE_CODE;
	session->created = db_value_uint(&row[4]);
	session->seen = db_value_uint(&row[5]);
	session->expires = db_value_uint(&row[6]);
	session->now = db_value_uint(&row[7]);
	session->second_factor = db_value_uint(&row[8]) != 0;
	session->user_agent = db_value_text(&row[9]);
	session->client_address = db_value_text(&row[10]);
	return session;
}

/* Writes it for expires (seconds since the epoch, if not 0) or lifetime_secs
   from now. Returns 1, or 0 without such an account. */
static int insert(struct db *db, struct arena *arena,
		  const struct session *session, uint64_t lifetime_secs,
		  const char **error_r)
{
	const struct db_value params[] = {
		DB_BYTES(session->id_hash, sizeof(session->id_hash)),
		DB_BYTES(session->csrf_key, sizeof(session->csrf_key)),
		db_text(stage_name(session->stage)),
		DB_UINT(session->second_factor ? 1 : 0),
		db_text(session->user_agent),
		db_text(session->client_address),
		DB_UINT(session->expires), DB_UINT(session->expires),
		DB_UINT(lifetime_secs), DB_UINT(session->account_id),
	};
	uint64_t affected;

	if (db_execute(db, arena,
		"INSERT INTO pymailadmin_session(id_hash,csrf_key,account_id,"
		"stage,role,second_factor,user_agent,client_address,"
		"expires_at) SELECT ?,?,id,?,role,?,?,?,IF(?>0,"
		"TIMESTAMPADD(SECOND,?,'1970-01-01 00:00:00'),"
		"UTC_TIMESTAMP()+INTERVAL ? SECOND) "
		"FROM pymailadmin_account WHERE id=? AND active",
		params, 10, &affected, error_r) < 0)
		return -1;
	return affected > 0 ? 1 : 0;
}

static int end_oldest(struct db *db, struct arena *arena,
		      const struct session *newest, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(newest->account_id), DB_UINT(newest->account_id),
		DB_BYTES(newest->id_hash, sizeof(newest->id_hash)),
		DB_UINT(SESSION_ACCOUNT_MAX),
	};

	return db_execute(db, arena,
		"DELETE FROM pymailadmin_session WHERE account_id=? AND "
		"id_hash NOT IN (SELECT id_hash FROM (SELECT id_hash "
		"FROM pymailadmin_session WHERE account_id=? "
		"ORDER BY id_hash=? DESC,seen_at DESC,created_at DESC "
		"LIMIT ?) newest)", params, 4, NULL, error_r) < 0 ? -1 : 0;
}

int session_create(struct db *db, struct arena *arena,
		   const struct session_new *new, char token_r[TOKEN_SIZE],
		   const char **error_r)
{
	struct session session = {
		.account_id = new->account_id,
		.stage = new->stage,
		.user_agent = label(arena, new->user_agent, USER_AGENT_MAX),
		.client_address = label(arena, new->client_address,
					CLIENT_ADDRESS_MAX),
	};
	char token[TOKEN_SIZE];
	int ret;

	token_generate(token);
	csrf_key_generate(session.csrf_key);
	(void)token_hash(token, session.id_hash);
	ret = insert(db, arena, &session, new->stage == SESSION_STAGE_CODE ?
		     SESSION_CODE_SECS : new->lifetime_secs, error_r);
	if (ret > 0 && end_oldest(db, arena, &session, error_r) < 0)
		ret = -1;
	if (ret > 0)
		memcpy(token_r, token, sizeof(token));
	OPENSSL_cleanse(token, sizeof(token));
	OPENSSL_cleanse(&session, sizeof(session));
	return ret;
}

static void touch(struct db *db, struct arena *arena,
		  const struct session *session)
{
	const struct db_value params[] = {
		DB_BYTES(session->id_hash, sizeof(session->id_hash)),
	};
	const char *error;

	/* if that fails, it will be tried again by the next request */
	(void)db_execute(db, arena,
		"UPDATE pymailadmin_session SET seen_at=UTC_TIMESTAMP() "
		"WHERE id_hash=? AND "
		"seen_at<UTC_TIMESTAMP()-INTERVAL 60 SECOND",
		params, 1, NULL, &error);
}

int session_load(struct db *db, struct arena *arena, const char *token,
		 uint64_t idle_secs, struct session **session_r,
		 struct account **account_r, const char **error_r)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	const struct db_value params[] = {
		DB_BYTES(hash, sizeof(hash)), DB_UINT(idle_secs),
	};
	const struct db_value *row;
	int ret;

	if (!token_hash(token, hash))
		return 0;
	ret = db_query_row(db, arena,
		"SELECT " SESSION_COLUMNS "," ACCOUNT_COLUMNS
		" FROM pymailadmin_session s JOIN pymailadmin_account a "
		"ON a.id=s.account_id WHERE s.id_hash=? AND "
		SESSION_IS_HONOURED, params, 2, &row, error_r);
	if (ret <= 0)
		return ret;
	*session_r = session_from_row(arena, row);
	*account_r = account_from_row(arena, row + SESSION_COLUMNS_COUNT);
	if ((*session_r)->now > (*session_r)->seen + 60)
		touch(db, arena, *session_r);
	return 1;
}

static int delete_one(struct db *db, struct arena *arena, uint64_t account_id,
		      const unsigned char *id_hash, uint64_t *affected_r,
		      const char **error_r)
{
	const struct db_value params[] = {
		DB_BYTES(id_hash, TOKEN_HASH_SIZE), DB_UINT(account_id),
	};

	return db_execute(db, arena,
		"DELETE FROM pymailadmin_session "
		"WHERE id_hash=? AND account_id=?",
		params, 2, affected_r, error_r) < 0 ? -1 : 0;
}

int session_renew(struct db *db, struct arena *arena, struct session *session,
		  enum session_stage stage, uint64_t lifetime_secs,
		  char token_r[TOKEN_SIZE], const char **error_r)
{
	struct session renewed = *session;
	char token[TOKEN_SIZE];
	uint64_t affected;
	int ret;

	if (delete_one(db, arena, session->account_id, session->id_hash,
		       &affected, error_r) < 0)
		return -1;
	/* who only gave a password and was sent away must begin anew */
	if (session->stage == SESSION_STAGE_CODE && affected == 0)
		return 0;
	token_generate(token);
	csrf_key_generate(renewed.csrf_key);
	(void)token_hash(token, renewed.id_hash);
	if (session->stage == SESSION_STAGE_CODE && stage == SESSION_STAGE_FULL)
		renewed.second_factor = true;
	renewed.stage = stage;
	if (lifetime_secs > 0)
		renewed.expires = 0;
	ret = insert(db, arena, &renewed, lifetime_secs, error_r);
	if (ret > 0) {
		renewed.created = renewed.seen = session->now;
		if (lifetime_secs > 0)
			renewed.expires = session->now + lifetime_secs;
		*session = renewed;
		memcpy(token_r, token, sizeof(token));
	}
	OPENSSL_cleanse(token, sizeof(token));
	OPENSSL_cleanse(&renewed, sizeof(renewed));
	return ret;
}

int session_end(struct db *db, struct arena *arena, uint64_t account_id,
		const unsigned char id_hash[TOKEN_HASH_SIZE],
		const char **error_r)
{
	return delete_one(db, arena, account_id, id_hash, NULL, error_r);
}

int session_end_others(struct db *db, struct arena *arena, uint64_t account_id,
		       const unsigned char *keep, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id),
		keep == NULL ? DB_BYTES("", 0) : DB_BYTES(keep,
							  TOKEN_HASH_SIZE),
	};

	return db_execute(db, arena,
		"DELETE FROM pymailadmin_session "
		"WHERE account_id=? AND id_hash<>?",
		params, 2, NULL, error_r) < 0 ? -1 : 0;
}

int session_list(struct db *db, struct arena *arena, uint64_t account_id,
		 uint64_t idle_secs, struct session_list *list_r,
		 const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), DB_UINT(idle_secs),
	};
	struct session_list list;
	struct db_rows rows;

	if (db_query(db, arena,
		"SELECT " SESSION_COLUMNS " FROM pymailadmin_session s "
		"JOIN pymailadmin_account a ON a.id=s.account_id "
		"WHERE s.account_id=? AND s.stage='full' AND "
		SESSION_IS_HONOURED " ORDER BY s.seen_at DESC,s.created_at DESC,"
		"s.id_hash", params, 2, &rows, error_r) < 0)
		return -1;
	list.sessions = arena_new(arena, struct session *, rows.count + 1);
	for (list.count = 0; list.count < rows.count; list.count++)
		list.sessions[list.count] = session_from_row(arena,
			rows.rows[list.count].values);
	*list_r = list;
	return 0;
}

int session_count(struct db *db, struct arena *arena, uint64_t idle_secs,
		  uint64_t *count_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(idle_secs) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT COUNT(*) FROM pymailadmin_session s "
		"JOIN pymailadmin_account a ON a.id=s.account_id "
		"WHERE s.stage='full' AND " SESSION_IS_HONOURED, params, 1,
		&row, error_r);
	if (ret > 0)
		*count_r = db_value_uint(&row[0]);
	return ret < 0 ? -1 : 0;
}
