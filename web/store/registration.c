#include "registration.h"
#include "account.h"
#include "arena.h"
#include "db.h"
#include "procedure.h"

#include <openssl/crypto.h>
#include <string.h>

#define COLUMNS \
	"SELECT r.id,r.email,r.reason,r.network," DB_TO_EPOCH("r.created_at") \
	"," DB_TO_EPOCH("r.confirmed_at") ",i.id,i.note,a.email " \
	"FROM pymailadmin_registration_view r " \
	"LEFT JOIN pymailadmin_invitation_view i ON i.id=r.invitation_id " \
	"LEFT JOIN pymailadmin_account a ON a.id=i.account_id "

int registration_result(struct arena *arena, const char *name,
			enum registration_result *result_r,
			const char **error_r)
{
	static const struct {
		const char *name;
		enum registration_result result;
	} results[] = {
		{ "done", REGISTRATION_DONE },
		{ "not_found", REGISTRATION_NOT_FOUND },
		{ "account", REGISTRATION_ACCOUNT },
		{ "waiting", REGISTRATION_WAITING },
		{ "invitation", REGISTRATION_INVITATION },
		{ "domains", REGISTRATION_DOMAINS },
		{ "malformed", REGISTRATION_MALFORMED },
		{ "limit", REGISTRATION_LIMIT },
	};
	unsigned int i;

	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (strcmp(name, results[i].name) == 0) {
			*result_r = results[i].result;
			return 0;
		}
	}
	*error_r = arena_printf(arena, "registration failed: the database "
				"answered %s", name);
	return -1;
}

static int call(struct db *db, struct arena *arena, const char *sql,
		const struct db_value *params, unsigned int count,
		enum registration_result *result_r, const char **error_r)
{
	const char *name;

	if (procedure_call(db, arena, sql, params, count, &name, error_r) < 0)
		return -1;
	return registration_result(arena, name, result_r, error_r);
}

int registration_file(struct db *db, struct arena *arena,
		      const struct registration_new *new,
		      enum registration_result *result_r,
		      const char **error_r)
{
	const struct db_value params[] = {
		db_text(new->email), db_text(new->hash),
		db_text(new->language), db_text(new->reason),
		db_text(new->network),
		new->code_hash == NULL ? DB_NULL :
			DB_BYTES(new->code_hash, TOKEN_HASH_SIZE),
		DB_UINT(REGISTRATION_SECS),
	};

	return call(db, arena,
		"CALL pymailadmin_registration_file(?,?,?,?,?,?,?)", params, 7,
		result_r, error_r);
}

int registration_link(struct db *db, struct arena *arena, uint64_t id,
		      char token_r[TOKEN_SIZE],
		      enum registration_result *result_r, const char **error_r)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	char token[TOKEN_SIZE];
	const struct db_value params[] = {
		DB_UINT(id), DB_BYTES(hash, sizeof(hash)),
		DB_UINT(REGISTRATION_SECS),
	};
	int ret;

	token_generate(token);
	(void)token_hash(token, hash);
	ret = call(db, arena, "CALL pymailadmin_registration_link(?,?,?)",
		   params, 3, result_r, error_r);
	if (ret == 0 && *result_r == REGISTRATION_DONE)
		memcpy(token_r, token, sizeof(token));
	OPENSSL_cleanse(token, sizeof(token));
	return ret;
}

int registration_confirm(struct db *db, struct arena *arena, const char *token,
			 enum registration_result *result_r,
			 const char **error_r)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	const struct db_value params[] = { DB_BYTES(hash, sizeof(hash)) };

	if (!token_hash(token, hash)) {
		*result_r = REGISTRATION_NOT_FOUND;
		return 0;
	}
	return call(db, arena, "CALL pymailadmin_registration_confirm(?)",
		    params, 1, result_r, error_r);
}

/* ---- reading */

static void read_row(const struct db_value *row,
		     struct registration *registration_r)
{
	registration_r->id = db_value_uint(&row[0]);
	registration_r->email = db_value_text(&row[1]);
	registration_r->reason = db_value_text(&row[2]);
	registration_r->network = db_value_text(&row[3]);
	registration_r->created = db_value_uint(&row[4]);
	registration_r->confirmed = db_value_uint(&row[5]);
	registration_r->invitation_id = db_value_uint(&row[6]);
	registration_r->invitation_note = row[7].data;
	registration_r->invited_by = row[8].data;
}

int registration_find_link(struct db *db, struct arena *arena,
			   const char *token,
			   struct registration *registration_r,
			   const char **error_r)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	const struct db_value params[] = { DB_BYTES(hash, sizeof(hash)) };
	const struct db_value *row;
	int ret;

	if (!token_hash(token, hash))
		return 0;
	ret = db_query_row(db, arena, COLUMNS
		"WHERE r.token_hash=? AND r.confirmed_at IS NULL AND "
		"r.expires_at>UTC_TIMESTAMP()", params, 1, &row, error_r);
	if (ret > 0)
		read_row(row, registration_r);
	return ret;
}

int registration_list(struct db *db, struct arena *arena, uint64_t after,
		      unsigned int limit, struct registration_list *list_r,
		      const char **error_r)
{
	const struct db_value params[] = { DB_UINT(after), DB_UINT(limit) };
	struct registration_list list;
	struct db_rows rows;

	/* who comes later has the greater id; not always confirms later */
	if (db_query(db, arena, COLUMNS
		"WHERE r.confirmed_at IS NOT NULL AND r.id>? "
		"ORDER BY r.id LIMIT ?", params, 2, &rows, error_r) < 0)
		return -1;
	list.registrations = arena_new(arena, struct registration,
				       rows.count + 1);
	for (list.count = 0; list.count < rows.count; list.count++)
		read_row(rows.rows[list.count].values,
			 &list.registrations[list.count]);
	*list_r = list;
	return 0;
}

int registration_find(struct db *db, struct arena *arena, uint64_t id,
		      struct registration *registration_r,
		      const char **error_r)
{
	const struct db_value params[] = { DB_UINT(id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena, COLUMNS
		"WHERE r.id=? AND r.confirmed_at IS NOT NULL", params, 1, &row,
		error_r);
	if (ret > 0)
		read_row(row, registration_r);
	return ret;
}

/* ---- deciding */

static struct db_value limit_value(unsigned int limit)
{
	return limit == ACCOUNT_LIMIT_DEFAULT ? DB_NULL : DB_UINT(limit);
}

int registration_accept(struct db *db, struct arena *arena,
			uint64_t moderator_id, uint64_t id,
			const char *domains, unsigned int max_mailboxes,
			unsigned int max_aliases,
			enum registration_result *result_r,
			const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(moderator_id), DB_UINT(id), db_text(domains),
		limit_value(max_mailboxes), limit_value(max_aliases),
	};

	return call(db, arena,
		"CALL pymailadmin_registration_accept(?,?,?,?,?)", params, 5,
		result_r, error_r);
}

int registration_decline(struct db *db, struct arena *arena,
			 uint64_t moderator_id, uint64_t id,
			 const char *message,
			 enum registration_result *result_r,
			 const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(moderator_id), DB_UINT(id), db_text(message),
	};

	return call(db, arena, "CALL pymailadmin_registration_decline(?,?,?)",
		    params, 3, result_r, error_r);
}
