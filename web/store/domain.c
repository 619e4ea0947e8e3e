#include "domain.h"
#include "account.h"
#include "arena.h"
#include "db.h"
#include "like.h"

/* d is the domain; mailboxes are the account's own. */
#define OWN_DOMAINS \
	"SELECT d.name,(SELECT COUNT(*) FROM pymailadmin_account_mailbox o " \
	"JOIN pymailadmin_mailbox m ON m.address=" DB_FOREIGN("o.address") " " \
	"WHERE o.account_id=ad.account_id AND m.domain_id=d.id) " \
	"FROM pymailadmin_account_domain ad JOIN pymailadmin_domain d " \
	"ON d.name=" DB_FOREIGN("ad.domain") " WHERE ad.account_id=?"
#define ALL_DOMAINS \
	"SELECT d.name,(SELECT COUNT(*) FROM pymailadmin_mailbox m " \
	"WHERE m.domain_id=d.id) FROM pymailadmin_domain d WHERE 1"

int domain_list(struct db *db, struct arena *arena,
		const struct account *account, const char *search,
		const char *after, unsigned int limit,
		struct domain_list *list_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(like_pattern(arena, search)),
		db_text(after == NULL ? "" : after), DB_UINT(limit),
	};
	struct domain_list list;
	struct db_rows rows;
	size_t i;
	int ret;

	if (account->role == ACCOUNT_ROLE_SUPER_ADMIN)
		ret = db_query(db, arena, ALL_DOMAINS
			" AND d.name LIKE ? AND d.name>? "
			"ORDER BY d.name LIMIT ?", params + 1, 3, &rows,
			error_r);
	else
		ret = db_query(db, arena, OWN_DOMAINS
			" AND d.name LIKE ? AND d.name>? "
			"ORDER BY d.name LIMIT ?", params, 4, &rows, error_r);
	if (ret < 0)
		return -1;
	list.count = rows.count;
	list.domains = arena_new(arena, struct domain, rows.count + 1);
	for (i = 0; i < rows.count; i++) {
		list.domains[i].name = db_value_text(&rows.rows[i].values[0]);
		list.domains[i].mailboxes =
			db_value_uint(&rows.rows[i].values[1]);
	}
	*list_r = list;
	return 0;
}

int domain_list_names(struct db *db, struct arena *arena, uint64_t account_id,
		      unsigned int limit, struct domain_list *list_r,
		      const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account_id), DB_UINT(limit),
	};
	struct domain_list list;
	struct db_rows rows;

	/* in the order of the index */
	if (db_query(db, arena,
		"SELECT d.name FROM pymailadmin_account_domain ad "
		"JOIN pymailadmin_domain d ON d.name=" DB_FOREIGN("ad.domain")
		" WHERE ad.account_id=? ORDER BY ad.domain LIMIT ?", params, 2,
		&rows, error_r) < 0)
		return -1;
	list.domains = arena_new(arena, struct domain, rows.count + 1);
	for (list.count = 0; list.count < rows.count; list.count++)
		list.domains[list.count].name =
			db_value_text(&rows.rows[list.count].values[0]);
	*list_r = list;
	return 0;
}

int domain_find(struct db *db, struct arena *arena,
		const struct account *account, const char *name,
		struct domain *domain_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(name),
	};
	const struct db_value *row;
	int ret;

	if (account->role == ACCOUNT_ROLE_SUPER_ADMIN)
		ret = db_query_row(db, arena, ALL_DOMAINS " AND d.name=?",
				   params + 1, 1, &row, error_r);
	else
		ret = db_query_row(db, arena, OWN_DOMAINS " AND d.name=?",
				   params, 2, &row, error_r);
	if (ret > 0) {
		domain_r->name = db_value_text(&row[0]);
		domain_r->mailboxes = db_value_uint(&row[1]);
	}
	return ret;
}
