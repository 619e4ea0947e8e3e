#include "outbox.h"
#include "arena.h"
#include "db.h"

int outbox_add(struct db *db, struct arena *arena, uint64_t account_id,
	       const char *template, const char *address, const char *args,
	       const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), db_text(template), db_text(address),
		db_text(args),
	};

	return db_execute(db, arena,
		"INSERT INTO pymailadmin_outbox(account_id,template,address,"
		"args) VALUES(?,?,?,?)", params, 4, NULL, error_r) < 0 ?
		-1 : 0;
}

/* Returns 1 if nobody else took it. */
static int take(struct db *db, struct arena *arena, uint64_t id,
		uint64_t attempts, unsigned int lease_secs,
		const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(lease_secs), DB_UINT(id), DB_UINT(attempts),
	};
	uint64_t affected;

	if (db_execute(db, arena,
		"UPDATE pymailadmin_outbox SET attempts=attempts+1,"
		"retry_at=UTC_TIMESTAMP()+INTERVAL ? SECOND "
		"WHERE id=? AND attempts=? AND sent_at IS NULL",
		params, 3, &affected, error_r) < 0)
		return -1;
	return affected > 0 ? 1 : 0;
}

int outbox_take(struct db *db, struct arena *arena, unsigned int lease_secs,
		struct outbox_mail *mail_r, const char **error_r)
{
	const struct db_value *row;
	int ret;

	for (;;) {
		ret = db_query_row(db, arena,
			"SELECT o.id,o.account_id,COALESCE(a.email,o.recipient),"
			"COALESCE(a.language,JSON_VALUE(o.args,'$.language'),"
			"'en'),o.template,o.address,"
			"JSON_VALUE(o.args,'$.message'),"
			"JSON_VALUE(o.args,'$.browser'),"
			"JSON_VALUE(o.args,'$.network'),"
			DB_TO_EPOCH("o.created_at") ",o.attempts,"
			"CAST(COALESCE(JSON_VALUE(o.args,'$.registration'),0) "
			"AS UNSIGNED) "
			"FROM pymailadmin_outbox o LEFT JOIN "
			"pymailadmin_account a ON a.id=o.account_id "
			"WHERE o.sent_at IS NULL AND "
			"o.retry_at<=UTC_TIMESTAMP() AND "
			"(a.active OR o.account_id IS NULL) "
			"ORDER BY o.retry_at,o.id LIMIT 1", NULL, 0, &row,
			error_r);
		if (ret <= 0)
			return ret;
		ret = take(db, arena, db_value_uint(&row[0]),
			   db_value_uint(&row[10]), lease_secs, error_r);
		if (ret < 0)
			return -1;
		if (ret > 0)
			break;
	}
	mail_r->id = db_value_uint(&row[0]);
	mail_r->account_id = db_value_uint(&row[1]);
	mail_r->recipient = db_value_text(&row[2]);
	mail_r->language = db_value_text(&row[3]);
	mail_r->template = db_value_text(&row[4]);
	mail_r->address = row[5].data;
	mail_r->message = row[6].data;
	mail_r->browser = row[7].data;
	mail_r->network = row[8].data;
	mail_r->created = db_value_uint(&row[9]);
	mail_r->attempts = (unsigned int)db_value_uint(&row[10]);
	mail_r->registration_id = db_value_uint(&row[11]);
	return 1;
}

int outbox_sent(struct db *db, struct arena *arena, uint64_t id,
		const char **error_r)
{
	const struct db_value params[] = { DB_UINT(id) };

	return db_execute(db, arena,
		"UPDATE pymailadmin_outbox SET sent_at=UTC_TIMESTAMP(),"
		"args=NULL WHERE id=?", params, 1, NULL, error_r) < 0 ? -1 : 0;
}

int outbox_failed(struct db *db, struct arena *arena, uint64_t id,
		  unsigned int delay_secs, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(delay_secs), DB_UINT(id) };

	return db_execute(db, arena,
		"UPDATE pymailadmin_outbox SET "
		"retry_at=UTC_TIMESTAMP()+INTERVAL ? SECOND "
		"WHERE id=? AND sent_at IS NULL", params, 2, NULL,
		error_r) < 0 ? -1 : 0;
}

int outbox_count(struct db *db, struct arena *arena, uint64_t *waiting_r,
		 const char **error_r)
{
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT COUNT(*) FROM pymailadmin_outbox "
		"WHERE sent_at IS NULL", NULL, 0, &row, error_r);
	if (ret > 0)
		*waiting_r = db_value_uint(&row[0]);
	return ret < 0 ? -1 : 0;
}
