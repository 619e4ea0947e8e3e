#include "invitation.h"
#include "account.h"
#include "arena.h"
#include "backup-code.h"
#include "db.h"
#include "procedure.h"
#include "secret-key.h"

#include <openssl/crypto.h>
#include <string.h>

/* Of an invitation i, with a space between. */
#define NAMES \
	"(SELECT GROUP_CONCAT(j.name SEPARATOR ' ') FROM JSON_TABLE(i.domains," \
	"'$[*]' COLUMNS(name VARCHAR(253) PATH '$')) j)"

_Static_assert(INVITATION_CODE_SIZE == BACKUP_CODE_SIZE,
	       "codes have one form");
_Static_assert(INVITATION_HASH_SIZE == SECRET_KEY_SIZE, "size of an HMAC");

bool invitation_code_hash(const struct secret_key *key, const char *code,
			  unsigned char hash_r[INVITATION_HASH_SIZE])
{
	char parsed[BACKUP_CODE_SIZE];

	if (!backup_code_parse(code, parsed))
		return false;
	secret_key_hmac(key, "invitation", parsed, strlen(parsed), hash_r);
	OPENSSL_cleanse(parsed, sizeof(parsed));
	return true;
}

int invitation_add(struct db *db, struct arena *arena,
		   const struct secret_key *key, uint64_t account_id,
		   const char *note, unsigned int uses, uint64_t secs,
		   const char *domains, char code_r[INVITATION_CODE_SIZE],
		   enum registration_result *result_r, const char **error_r)
{
	unsigned char hash[INVITATION_HASH_SIZE];
	char code[BACKUP_CODE_SIZE];
	const struct db_value params[] = {
		DB_UINT(account_id), DB_BYTES(hash, sizeof(hash)),
		db_text(note), DB_UINT(uses), DB_UINT(secs), db_text(domains),
	};
	const char *name;
	int ret;

	backup_code_generate(code);
	(void)invitation_code_hash(key, code, hash);
	ret = procedure_call(db, arena,
		"CALL pymailadmin_invitation_add(?,?,?,?,?,?)", params, 6,
		&name, error_r);
	if (ret == 0)
		ret = registration_result(arena, name, result_r, error_r);
	if (ret == 0 && *result_r == REGISTRATION_DONE)
		memcpy(code_r, code, sizeof(code));
	OPENSSL_cleanse(code, sizeof(code));
	return ret;
}

int invitation_end(struct db *db, struct arena *arena, uint64_t account_id,
		   uint64_t id, enum registration_result *result_r,
		   const char **error_r)
{
	const struct db_value params[] = { DB_UINT(account_id), DB_UINT(id) };
	const char *name;

	if (procedure_call(db, arena, "CALL pymailadmin_invitation_end(?,?)",
			   params, 2, &name, error_r) < 0)
		return -1;
	return registration_result(arena, name, result_r, error_r);
}

int invitation_list(struct db *db, struct arena *arena,
		    const struct account *account, unsigned int limit,
		    struct invitation_list *list_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->role == ACCOUNT_ROLE_SUPER_ADMIN ? 1 : 0),
		DB_UINT(account->id), DB_UINT(limit),
	};
	struct invitation_list list;
	struct db_rows rows;

	if (db_query(db, arena,
		"SELECT i.id,i.note,a.email,i.uses,i.used,"
		DB_TO_EPOCH("i.created_at") "," DB_TO_EPOCH("i.expires_at")
		"," NAMES " FROM pymailadmin_invitation_view i "
		"JOIN pymailadmin_account a ON a.id=i.account_id "
		"WHERE i.expires_at>UTC_TIMESTAMP() AND (? OR i.account_id=?) "
		"ORDER BY i.id DESC LIMIT ?", params, 3, &rows, error_r) < 0)
		return -1;
	list.invitations = arena_new(arena, struct invitation, rows.count + 1);
	for (list.count = 0; list.count < rows.count; list.count++) {
		const struct db_value *row = rows.rows[list.count].values;

		list.invitations[list.count] = (struct invitation){
			.id = db_value_uint(&row[0]),
			.note = db_value_text(&row[1]),
			.maker = db_value_text(&row[2]),
			.uses = (unsigned int)db_value_uint(&row[3]),
			.used = (unsigned int)db_value_uint(&row[4]),
			.created = db_value_uint(&row[5]),
			.expires = db_value_uint(&row[6]),
			.domains = row[7].data,
		};
	}
	*list_r = list;
	return 0;
}

int invitation_domains(struct db *db, struct arena *arena, uint64_t id,
		       const char **domains_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT " NAMES " FROM pymailadmin_invitation_view i WHERE i.id=?",
		params, 1, &row, error_r);
	if (ret >= 0)
		*domains_r = ret == 0 ? "" : db_value_text(&row[0]);
	return ret < 0 ? -1 : 0;
}
