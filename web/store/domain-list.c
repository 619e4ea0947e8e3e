#include "domain-list.h"
#include "arena.h"
#include "db.h"
#include "like.h"

#define COUNTS \
	"SELECT d.name,(SELECT COUNT(*) FROM pymailadmin_mailbox m " \
	"WHERE m.domain_id=d.id),(SELECT COUNT(*) FROM pymailadmin_alias l " \
	"WHERE l.domain_id=d.id),(SELECT COUNT(*) FROM " \
	"pymailadmin_account_domain ad WHERE ad.domain=" DB_FOREIGN("d.name") \
	") FROM pymailadmin_domain d "
#define LIMIT_PAGE " LIMIT 51"

/* LIMIT_PAGE counts one more than are shown. */
_Static_assert(DOMAIN_PAGE_SIZE == 50, "LIMIT_PAGE");

static void read_counts(const struct db_value *row,
			struct domain_counts *counts_r)
{
	counts_r->name = db_value_text(&row[0]);
	counts_r->mailboxes = db_value_uint(&row[1]);
	counts_r->aliases = db_value_uint(&row[2]);
	counts_r->accounts = db_value_uint(&row[3]);
}

int domain_counts_list(struct db *db, struct arena *arena, const char *search,
		       const char *after, struct domain_counts_list *list_r,
		       bool *more_r, const char **error_r)
{
	const struct db_value params[] = {
		db_text(like_pattern(arena, search)),
		db_text(after == NULL ? "" : after),
	};
	struct domain_counts_list list = { .count = 0 };
	struct db_rows rows;

	if (db_query(db, arena, COUNTS
		"WHERE d.name LIKE ? AND d.name>? ORDER BY d.name" LIMIT_PAGE,
		params, 2, &rows, error_r) < 0)
		return -1;
	list.domains = arena_new(arena, struct domain_counts, rows.count + 1);
	for (; list.count < rows.count && list.count < DOMAIN_PAGE_SIZE;
	     list.count++)
		read_counts(rows.rows[list.count].values,
			    &list.domains[list.count]);
	*list_r = list;
	*more_r = rows.count > DOMAIN_PAGE_SIZE;
	return 0;
}

int domain_counts_find(struct db *db, struct arena *arena, const char *name,
		       struct domain_counts *counts_r, const char **error_r)
{
	const struct db_value params[] = { db_text(name) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena, COUNTS "WHERE d.name=? LIMIT 1", params,
			   1, &row, error_r);
	if (ret > 0)
		read_counts(row, counts_r);
	return ret;
}
