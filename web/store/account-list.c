#include "account-list.h"
#include "account-private.h"
#include "arena.h"
#include "db.h"
#include "like.h"

/* Each part goes through an index, for the few accounts of a page. */
#define DETAILS_COLUMNS \
	"SELECT " ACCOUNT_COLUMNS ",a.active," \
	"(SELECT COUNT(*) FROM pymailadmin_account_mailbox o " \
	"JOIN pymailadmin_mailbox m ON m.address=" DB_FOREIGN("o.address") \
	" WHERE o.account_id=a.id)," \
	"(SELECT MAX(" DB_TO_EPOCH("s.seen_at") ") FROM pymailadmin_session s " \
	"WHERE s.account_id=a.id)," \
	"(SELECT " DB_TO_EPOCH("e.created_at") " FROM pymailadmin_event e " \
	"WHERE e.actor=a.email AND e.created_at>=a.created_at " \
	"ORDER BY e.id DESC LIMIT 1)," \
	DB_TO_EPOCH("a.created_at") "," \
	DB_TO_EPOCH("a.password_changed_at") "," \
	DB_TO_EPOCH("a.totp_confirmed_at") ",a.password LIKE '$argon2id$%' " \
	"FROM pymailadmin_account a "
#define LIMIT_PAGE " LIMIT 51"

/* LIMIT_PAGE counts one more than are shown. */
_Static_assert(ACCOUNT_PAGE_SIZE == 50, "LIMIT_PAGE");

static void read_details(struct arena *arena, const struct db_value *row,
			 struct account_details *details_r)
{
	const struct db_value *more = row + ACCOUNT_COLUMNS_COUNT;
	const uint64_t session = db_value_uint(&more[2]);
	const uint64_t event = db_value_uint(&more[3]);

	details_r->account = account_from_row(arena, row);
	details_r->active = db_value_uint(&more[0]) != 0;
	details_r->mailboxes = db_value_uint(&more[1]);
	details_r->seen = session > event ? session : event;
	details_r->created = db_value_uint(&more[4]);
	details_r->password_changed = db_value_uint(&more[5]);
	details_r->two_factor_since = db_value_uint(&more[6]);
	details_r->has_password = db_value_uint(&more[7]) != 0;
}

int account_list(struct db *db, struct arena *arena, const char *search,
		 const char *after, struct account_list *list_r, bool *more_r,
		 const char **error_r)
{
	const struct db_value params[] = {
		db_text(like_pattern(arena, search)),
		db_text(after == NULL ? "" : after),
	};
	struct account_list list = { .count = 0 };
	struct db_rows rows;

	if (db_query(db, arena, DETAILS_COLUMNS
		"WHERE a.email LIKE ? AND a.email>? ORDER BY a.email"
		LIMIT_PAGE, params, 2, &rows, error_r) < 0)
		return -1;
	list.accounts = arena_new(arena, struct account_details,
				  rows.count + 1);
	for (; list.count < rows.count && list.count < ACCOUNT_PAGE_SIZE;
	     list.count++)
		read_details(arena, rows.rows[list.count].values,
			     &list.accounts[list.count]);
	*list_r = list;
	*more_r = rows.count > ACCOUNT_PAGE_SIZE;
	return 0;
}

int account_list_find(struct db *db, struct arena *arena, uint64_t id,
		      struct account_details *details_r,
		      const char **error_r)
{
	const struct db_value params[] = { DB_UINT(id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena, DETAILS_COLUMNS "WHERE a.id=?", params,
			   1, &row, error_r);
	if (ret > 0)
		read_details(arena, row, details_r);
	return ret;
}

int account_list_count(struct db *db, struct arena *arena,
		       struct account_counts *counts_r, const char **error_r)
{
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT (SELECT COUNT(*) FROM pymailadmin_account),"
		"(SELECT COUNT(*) FROM pymailadmin_account WHERE active=0),"
		"(SELECT COUNT(*) FROM pymailadmin_registration_view "
		"WHERE confirmed_at IS NOT NULL),"
		"(SELECT COUNT(*) FROM pymailadmin_domain),"
		"(SELECT COUNT(*) FROM pymailadmin_reserved_address "
		"WHERE reserved_until>UTC_TIMESTAMP())", NULL, 0, &row,
		error_r);
	if (ret > 0)
		*counts_r = (struct account_counts){
			.accounts = db_value_uint(&row[0]),
			.not_active = db_value_uint(&row[1]),
			.waiting = db_value_uint(&row[2]),
			.domains = db_value_uint(&row[3]),
			.reserved = db_value_uint(&row[4]),
		};
	return ret < 0 ? -1 : 0;
}
