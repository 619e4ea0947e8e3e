#include "mailbox-request.h"
#include "account.h"
#include "arena.h"
#include "db.h"
#include "procedure.h"

#include <string.h>

struct filing {
	struct arena *arena;
	const struct seal_public_key *seal_key;
	const struct account *account;
	const struct mailbox_request_new *new;
	enum mailbox_request_result result;
	const char *id;
};

static int parse_result(struct arena *arena, const char *name,
			enum mailbox_request_result *result_r,
			const char **error_r)
{
	static const char *const names[] = {
		[MAILBOX_REQUEST_FILED] = "done",
		[MAILBOX_REQUEST_NOT_FOUND] = "not_found",
		[MAILBOX_REQUEST_BUSY] = "busy",
		[MAILBOX_REQUEST_TAKEN] = "taken",
		[MAILBOX_REQUEST_LIMIT] = "limit",
		[MAILBOX_REQUEST_MALFORMED] = "malformed",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*result_r = (enum mailbox_request_result)i;
			return 0;
		}
	}
	*error_r = arena_printf(arena,
		"pymailadmin_request_file failed: it answered %s", name);
	return -1;
}

/* The whole or, as no other field fails, nothing. */
static bool copy_secret(char *field, size_t max, const char *value)
{
	const size_t size = value == NULL ? 0 : strlen(value);

	if (size > max)
		return false;
	if (size > 0)
		memcpy(field, value, size);
	field[size] = '\0';
	return true;
}

static int seal(const struct filing *filing, uint64_t created,
		const char *id, unsigned char sealed_r[SEALED_REQUEST_MAX],
		size_t *size_r, const char **error_r)
{
	const struct mailbox_request_new *new = filing->new;
	const struct seal_binding binding = {
		.kind = new->kind, .address = new->address,
		.request_id = id, .created = created,
	};
	struct seal_secrets secrets;
	int ret = -1;

	if (!copy_secret(secrets.old_password, SEAL_PASSWORD_MAX,
			 new->old_password) ||
	    !copy_secret(secrets.new_password, SEAL_PASSWORD_MAX,
			 new->new_password) ||
	    !copy_secret(secrets.new_hash, SEAL_HASH_MAX, new->new_hash))
		*error_r = "sealing a request failed: a value is too long";
	else
		ret = sealed_request_seal(filing->seal_key, &binding, &secrets,
					  sealed_r, size_r, error_r);
	seal_secrets_wipe(&secrets);
	return ret;
}

static int read_clock(struct db *db, struct arena *arena, uint64_t *now_r,
		      const char **error_r)
{
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena, "SELECT " DB_NOW, NULL, 0, &row, error_r);
	if (ret > 0)
		*now_r = db_value_uint(&row[0]);
	return ret < 0 ? -1 : 0;
}

static int file(struct db *db, void *context, const char **error_r)
{
	struct filing *filing = context;
	const struct mailbox_request_new *new = filing->new;
	const bool is_sealed = new->kind != REQUEST_KIND_DELETE ||
		new->old_password != NULL;
	unsigned char sealed[SEALED_REQUEST_MAX];
	char *id = arena_alloc(filing->arena, SEAL_REQUEST_ID_LEN + 1);
	const struct db_value *row;
	uint64_t created = 0;
	size_t size = 0;

	if (seal_request_id_generate(id, error_r) < 0 ||
	    read_clock(db, filing->arena, &created, error_r) < 0 ||
	    (is_sealed &&
	     seal(filing, created, id, sealed, &size, error_r) < 0))
		return -1;
	const struct db_value params[] = {
		DB_UINT(filing->account->id), db_text(id),
		db_text(request_kind_name(new->kind)), db_text(new->address),
		DB_UINT(created), is_sealed ? DB_BYTES(sealed, size) : DB_NULL,
		new->kind == REQUEST_KIND_CREATE ? DB_UINT(new->quota_bytes) :
			DB_NULL,
		DB_UINT(new->max_mailboxes),
	};
	if (db_query_row(db, filing->arena,
		"CALL pymailadmin_request_file(?,?,?,?,?,?,?,?)",
		params, 8, &row, error_r) <= 0)
		return -1;
	if (parse_result(filing->arena, db_value_text(&row[0]),
			 &filing->result, error_r) < 0)
		return -1;
	filing->id = id;
	return filing->result == MAILBOX_REQUEST_FILED ? 1 : 0;
}

int mailbox_request_file(struct db *db, struct arena *arena,
			 const struct seal_public_key *seal_key,
			 const struct account *account,
			 const struct mailbox_request_new *new,
			 enum mailbox_request_result *result_r,
			 const char **id_r, const char **error_r)
{
	struct filing filing = {
		.arena = arena, .seal_key = seal_key, .account = account,
		.new = new,
	};
	int ret;

	*error_r = "pymailadmin_request_file failed: it did not answer";
	ret = db_transaction(db, arena, file, &filing, error_r);
	if (ret < 0)
		return -1;
	*result_r = filing.result;
	if (ret > 0)
		*id_r = filing.id;
	return 1;
}

#define REQUEST_COLUMNS \
	"r.id,r.kind,r.state," DB_NOW "," \
	DB_TO_EPOCH("r.created_at") "," DB_TO_EPOCH("r.updated_at") "," \
	DB_TO_EPOCH("r.ended_at") "," DB_TO_EPOCH("r.storing_since") "," \
	"r.mails_done,r.mails_total,r.bytes_done,r.bytes_total,r.outcome," \
	"r.ended_at IS NULL AND COALESCE(r.retry_at>UTC_TIMESTAMP(),0)," \
	DB_TO_EPOCH("r.retry_at")
#define REQUEST_COLUMNS_COUNT 15

static int request_from_row(struct arena *arena, const struct db_value *row,
			    uint32_t window_secs,
			    struct mailbox_request **request_r,
			    const char **error_r)
{
	struct mailbox_request *request =
		arena_new(arena, struct mailbox_request, 1);

	if (!request_kind_parse(row[1].data, &request->kind) ||
	    !request_state_parse(row[2].data, &request->state)) {
		*error_r = "a request is of a kind or state that this portal "
			"does not know: update it";
		return -1;
	}
	request->id = db_value_text(&row[0]);
	request->now = db_value_uint(&row[3]);
	request->created = db_value_uint(&row[4]);
	request->updated = db_value_uint(&row[5]);
	request->ended = db_value_uint(&row[6]);
	request->storing_since = db_value_uint(&row[7]);
	request->mails_done = db_value_uint(&row[8]);
	request->mails_total = db_value_uint(&row[9]);
	request->bytes_done = db_value_uint(&row[10]);
	request->bytes_total = db_value_uint(&row[11]);
	request->outcome = db_value_text(&row[12]);
	request->can_cancel = request->state == REQUEST_STATE_PENDING &&
		request->kind != REQUEST_KIND_ENCRYPT &&
		request->kind != REQUEST_KIND_CLOSE;
	request->can_retry = request->kind != REQUEST_KIND_CLOSE &&
		db_value_uint(&row[13]) != 0;
	const struct request_window window = {
		.kind = request->kind, .state = request->state,
		.created = request->created, .now = request->now,
		.until = db_value_uint(&row[14]),
	};
	request->window_closed = request_keeps_closed(&window, window_secs,
						      &request->window_opens);
	*request_r = request;
	return 1;
}

int mailbox_request_find(struct db *db, struct arena *arena,
			 const struct account *account, const char *address,
			 uint32_t window_secs,
			 struct mailbox_request **request_r,
			 const char **error_r)
{
	const struct db_value params[] = {
		db_text(address),
		DB_UINT(account->role == ACCOUNT_ROLE_SUPER_ADMIN ? 1 : 0),
		DB_UINT(account->id),
	};
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT " REQUEST_COLUMNS
		" FROM pymailadmin_request_view r WHERE r.address=? AND "
		"(r.kind<>'close' OR r.ended_at IS NULL) AND "
		"(? OR EXISTS (SELECT 1 FROM pymailadmin_account_mailbox o "
		"WHERE o.address=r.address AND o.account_id=?)) "
		"ORDER BY r.open_address IS NULL,r.ended_at IS NOT NULL,"
		"r.created_at DESC,r.updated_at DESC LIMIT 1",
		params, 3, &row, error_r);
	if (ret <= 0)
		return ret;
	return request_from_row(arena, row, window_secs, request_r, error_r);
}

#define FAILED "r.state IN ('failed','expired')"
#define OPEN "r.state IN ('pending','claimed','switching','switched'," \
	"'rekeying','storing')"
/* What an administrator keeps closed waits for no host. */
#define WAITS OPEN " AND r.kind<>'close'"
/* One more than are shown. Those of one second come in the order of their
   numbers. */
#define LIMIT_PAGE " LIMIT 51"
#define LIST_COLUMNS "SELECT " REQUEST_COLUMNS ",r.address,a.email FROM "
#define JOIN_ACCOUNT "LEFT JOIN pymailadmin_account a ON a.id=r.account_id "
#define LIST_OPEN \
	LIST_COLUMNS "pymailadmin_request_view r " JOIN_ACCOUNT \
	"WHERE " OPEN " AND (?='' OR (r.created_at,r.id)<" \
	"(SELECT k.created_at,k.id FROM pymailadmin_request_view k " \
	"WHERE k.id=?)) ORDER BY r.created_at DESC,r.id DESC" LIMIT_PAGE
/* Of all that ever ended, those of a state are in order in the index: as many
   of each are read as are shown, wherever they are among the others. */
#define ENDED_AT_OF_AFTER \
	"(SELECT k.ended_at FROM pymailadmin_request_view k WHERE k.id=?)"
#define ENDED(state) \
	"(SELECT e.id,e.ended_at FROM pymailadmin_request_view e " \
	"WHERE e.state='" state "' AND (?='' OR " \
	"(e.ended_at<=" ENDED_AT_OF_AFTER " AND " \
	"(e.ended_at<" ENDED_AT_OF_AFTER " OR e.id<?))) " \
	"ORDER BY e.ended_at DESC,e.id DESC" LIMIT_PAGE ")"
#define LIST_FAILED \
	LIST_COLUMNS "(" ENDED("failed") " UNION ALL " ENDED("expired") ") n " \
	"JOIN pymailadmin_request_view r ON r.id=n.id " JOIN_ACCOUNT \
	"ORDER BY n.ended_at DESC,n.id DESC" LIMIT_PAGE
_Static_assert(MAILBOX_REQUEST_PAGE_SIZE == 50, "LIMIT");

int mailbox_request_list(struct db *db, struct arena *arena,
			 enum mailbox_request_set set, const char *after,
			 uint32_t window_secs,
			 struct mailbox_request_rows *rows_r, bool *more_r,
			 const char **error_r)
{
	static const struct {
		const char *sql;
		/* each is the same */
		unsigned int params;
	} lists[] = {
		[MAILBOX_REQUESTS_OPEN] = { LIST_OPEN, 2 },
		[MAILBOX_REQUESTS_FAILED] = { LIST_FAILED, 8 },
	};
	struct db_value params[8];
	struct db_rows found;
	size_t i, count;

	for (i = 0; i < lists[set].params; i++)
		params[i] = db_text(after);
	if (db_query(db, arena, lists[set].sql, params, lists[set].params,
		     &found, error_r) < 0)
		return -1;
	*more_r = found.count > MAILBOX_REQUEST_PAGE_SIZE;
	count = *more_r ? MAILBOX_REQUEST_PAGE_SIZE : found.count;
	rows_r->rows = arena_new(arena, struct mailbox_request_row, count + 1);
	rows_r->count = count;
	for (i = 0; i < count; i++) {
		struct mailbox_request_row *row = &rows_r->rows[i];
		const struct db_value *values = found.rows[i].values;

		if (request_from_row(arena, values, window_secs, &row->request,
				     error_r) < 0)
			return -1;
		row->address = db_value_text(&values[REQUEST_COLUMNS_COUNT]);
		row->account = values[REQUEST_COLUMNS_COUNT + 1].data;
	}
	return 0;
}

int mailbox_request_count(struct db *db, struct arena *arena,
			  uint64_t failed_secs, uint64_t *open_r,
			  uint64_t *failed_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(failed_secs) };
	const struct db_value *row;

	if (db_query_row(db, arena,
		"SELECT (SELECT COUNT(*) FROM pymailadmin_request_view r WHERE "
		WAITS "),(SELECT COUNT(*) FROM pymailadmin_request_view r WHERE "
		FAILED " AND r.ended_at>UTC_TIMESTAMP()-INTERVAL ? SECOND)",
		params, 1, &row, error_r) <= 0)
		return -1;
	*open_r = db_value_uint(&row[0]);
	*failed_r = db_value_uint(&row[1]);
	return 0;
}

struct canceling {
	struct arena *arena;
	const struct account *account;
	const char *address;
};

/* Returns 1 with a request nobody works on, when it was read. */
static int find_open(struct db *db, const struct canceling *canceling,
		     const struct db_value **row_r, const char **error_r)
{
	const struct account *account = canceling->account;
	const struct db_value params[] = {
		db_text(canceling->address),
		DB_UINT(account->role == ACCOUNT_ROLE_SUPER_ADMIN ? 1 : 0),
		DB_UINT(account->id),
	};

	return db_query_row(db, canceling->arena,
		"SELECT r.id,CONCAT(r.kind,'-canceled'),r.address,o.account_id "
		"FROM pymailadmin_request_view r LEFT JOIN "
		"pymailadmin_account_mailbox o ON o.address=r.address "
		"WHERE r.open_address=? AND r.state='pending' AND "
		"r.kind IN ('password','create','delete') AND "
		"(? OR o.account_id=?)", params, 3, row_r, error_r);
}

static int cancel(struct db *db, void *context, const char **error_r)
{
	const struct canceling *canceling = context;
	const struct db_value *row;
	uint64_t affected;
	int ret;

	ret = find_open(db, canceling, &row, error_r);
	if (ret <= 0)
		return ret;
	if (db_execute(db, canceling->arena,
		       "CALL pymailadmin_request_cancel(?)", row, 1, &affected,
		       error_r) < 0)
		return -1;
	if (affected == 0)
		return 0;
	const struct db_value event[] = {
		db_text(canceling->account->email), row[2], row[1], row[0],
	};
	const struct db_value mail[] = { row[3], row[2] };
	if (db_execute(db, canceling->arena,
		"INSERT INTO pymailadmin_event(actor,address,kind,request_id) "
		"VALUES(?,?,?,?)", event, 4, NULL, error_r) < 0)
		return -1;
	if (!db_value_is_null(&row[3]) &&
	    db_execute(db, canceling->arena,
		"INSERT INTO pymailadmin_outbox(account_id,template,address) "
		"VALUES(?,'request-canceled',?)", mail, 2, NULL, error_r) < 0)
		return -1;
	return 1;
}

int mailbox_request_cancel(struct db *db, struct arena *arena,
			   const struct account *account, const char *address,
			   const char **error_r)
{
	struct canceling canceling = { arena, account, address };

	return db_transaction(db, arena, cancel, &canceling, error_r);
}

int mailbox_request_retry(struct db *db, struct arena *arena,
			  const struct account *account, const char *id,
			  const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(id),
	};
	const char *result;

	if (procedure_call(db, arena, "CALL pymailadmin_request_retry(?,?)",
			   params, 2, &result, error_r) < 0)
		return -1;
	return strcmp(result, "done") == 0 ? 1 : 0;
}
