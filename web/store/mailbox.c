#include "mailbox.h"
#include "account.h"
#include "arena.h"
#include "db.h"
#include "like.h"
#include "quota.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One row for each mailbox and open request of it: x is where address, domain,
   exists, active and quota come from, o the owner's row, r the request. Numbers
   of a parameter are those of the statement it stands in. */
#define MAILBOX_COLUMNS \
	"x.address,x.domain,x.present,x.active,x.quota," \
	"COALESCE(l.aliases,0)," \
	"a.email,o.account_id,r.kind,r.state," DB_TO_EPOCH("r.created_at") "," \
	DB_NOW
#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(number) TEXT_OF(number)
/* What is open, and how the last ones ended. */
#define IS_TOLD \
	"(r.ended_at IS NULL OR (r.state<>'canceled' AND " \
	"r.kind<>'close' AND r.ended_at>UTC_TIMESTAMP()-INTERVAL " \
	TEXT_OF_VALUE(MAILBOX_FAILURE_DAYS) " DAY)) "
/* Aliases are counted once for all, not for each mailbox: the mail server's
   table may have no index for that. */
#define MAILBOX_JOINS \
	"LEFT JOIN (SELECT destination,COUNT(*) AS aliases " \
	"FROM pymailadmin_alias GROUP BY destination) l " \
	"ON l.destination=" DB_FOREIGN("x.address") " " \
	"LEFT JOIN pymailadmin_account_mailbox o " \
	"ON o.address=" DB_FOREIGN("x.address") " " \
	"LEFT JOIN pymailadmin_account a ON a.id=o.account_id " \
	"LEFT JOIN pymailadmin_request_view r " \
	"ON r.address=" DB_FOREIGN("x.address") " AND " IS_TOLD
/* The request that has the mailbox before one that only re-encrypts, and that
   before those that have ended. */
#define REQUEST_RANK "(r.open_address IS NULL)+(r.ended_at IS NOT NULL)"
#define NEWEST_REQUEST REQUEST_RANK ",r.created_at DESC"

/* Parameters: account, LIKE of the address. */
#define OWN_MAILBOXES \
	"(SELECT n.address,SUBSTRING_INDEX(n.address,'@',-1) AS domain," \
	"m.address IS NOT NULL AS present,COALESCE(m.active,0) AS active," \
	DB_FOREIGN("m.quota") " AS quota,m.quota AS sort " \
	"FROM pymailadmin_account_mailbox n " \
	"LEFT JOIN pymailadmin_mailbox m ON m.address=" DB_FOREIGN("n.address") \
	" WHERE n.account_id=? AND n.address LIKE ?"
#define ALL_COLUMNS \
	"m.address,d.name AS domain,1 AS present,m.active," \
	DB_FOREIGN("m.quota") " AS quota,m.quota AS sort"
#define ALL_MAILBOXES \
	"(SELECT " ALL_COLUMNS " FROM pymailadmin_mailbox m " \
	"JOIN pymailadmin_domain d ON d.id=m.domain_id "

enum mailbox_sort mailbox_sort_parse(const char *name)
{
	unsigned int i;

	for (i = 0; name != NULL && i < MAILBOX_SORT_COUNT; i++) {
		if (strcmp(name, mailbox_sort_name((enum mailbox_sort)i)) == 0)
			return (enum mailbox_sort)i;
	}
	return MAILBOX_SORT_ADDRESS;
}

const char *mailbox_sort_name(enum mailbox_sort sort)
{
	static const char *const names[MAILBOX_SORT_COUNT] = {
		[MAILBOX_SORT_ADDRESS] = "address",
		[MAILBOX_SORT_ADDRESS_DOWN] = "-address",
		[MAILBOX_SORT_QUOTA] = "quota",
		[MAILBOX_SORT_QUOTA_DOWN] = "-quota",
	};

	return names[sort];
}

static void read_request(const struct db_value *row, struct mailbox *mailbox)
{
	const bool is_known =
		request_kind_parse(row[0].data, &mailbox->request_kind) &&
		request_state_parse(row[1].data, &mailbox->request_state);

	mailbox->has_request = is_known &&
		!request_state_is_final(mailbox->request_state);
	mailbox->has_failed = is_known &&
		(mailbox->request_state == REQUEST_STATE_FAILED ||
		 mailbox->request_state == REQUEST_STATE_EXPIRED);
	mailbox->request_created = db_value_uint(&row[2]);
	mailbox->now = db_value_uint(&row[3]);
}

static void read_mailbox(const struct account *account,
			 const struct db_value *row, struct mailbox *mailbox_r)
{
	memset(mailbox_r, 0, sizeof(*mailbox_r));
	mailbox_r->address = db_value_text(&row[0]);
	mailbox_r->domain = db_value_text(&row[1]);
	mailbox_r->exists = db_value_uint(&row[2]) != 0;
	mailbox_r->active = db_value_uint(&row[3]) != 0;
	mailbox_r->quota = db_value_text(&row[4]);
	(void)quota_parse(mailbox_r->quota, &mailbox_r->quota_bytes);
	mailbox_r->aliases = db_value_uint(&row[5]);
	mailbox_r->owner = row[6].data;
	mailbox_r->is_own = !db_value_is_null(&row[7]) &&
		db_value_uint(&row[7]) == account->id;
	read_request(&row[8], mailbox_r);
}

/* Rows of a mailbox follow each other, the request to be shown first: the one
   just read is kept unless it is such another row, or was reserved and never
   came to be. */
static void keep_mailbox(struct mailbox_list *list)
{
	const struct mailbox *mailbox = &list->mailboxes[list->count];

	if ((mailbox->exists || mailbox->has_request) &&
	    (list->count == 0 ||
	     strcmp(mailbox[-1].address, mailbox->address) != 0))
		list->count++;
}

static void read_mailboxes(struct arena *arena, const struct account *account,
			   const struct db_rows *rows,
			   struct mailbox_list *list_r)
{
	struct mailbox_list list;
	size_t i;

	list.count = 0;
	list.mailboxes = arena_new(arena, struct mailbox, rows->count + 1);
	for (i = 0; i < rows->count; i++) {
		read_mailbox(account, rows->rows[i].values,
			     &list.mailboxes[list.count]);
		keep_mailbox(&list);
	}
	*list_r = list;
}

/* The list of the first page people see, which therefore goes through indexes
   alone: nothing is sorted or gathered by the server. */
#define OWN_LIST \
	"SELECT n.address,IF(m.address IS NULL,2,COALESCE(m.active,0)<>0)," \
	DB_FOREIGN("m.quota") ",r.kind,r.state," \
	DB_TO_EPOCH("r.created_at") "," DB_NOW "," \
	REQUEST_RANK " " \
	"FROM pymailadmin_account_mailbox n " \
	"LEFT JOIN pymailadmin_mailbox m ON m.address=" DB_FOREIGN("n.address") \
	" LEFT JOIN pymailadmin_request_view r ON r.address=n.address AND " IS_TOLD \
	"WHERE n.account_id=?"
#define OWN_ALIASES \
	"SELECT k.address,COUNT(*) FROM pymailadmin_account_mailbox k " \
	"JOIN pymailadmin_alias l ON l.destination=" DB_FOREIGN("k.address") \
	" WHERE k.account_id=? GROUP BY k.address"
/* Of what is only reserved there is no row. */
#define OWN_ACTIVE_NONE 2

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL ? address : at + 1;
}

/* By domain and address; of one mailbox as NEWEST_REQUEST says. */
static int compare_own(const void *a, const void *b)
{
	const struct db_value *x = ((const struct db_row *)a)->values;
	const struct db_value *y = ((const struct db_row *)b)->values;
	const char *x_address = db_value_text(&x[0]);
	const char *y_address = db_value_text(&y[0]);
	uint64_t m = db_value_uint(&x[7]), n = db_value_uint(&y[7]);
	int ret;

	ret = strcasecmp(domain_of(x_address), domain_of(y_address));
	if (ret == 0)
		ret = strcasecmp(x_address, y_address);
	if (ret != 0)
		return ret;
	if (m == n) {
		m = db_value_uint(&y[5]);
		n = db_value_uint(&x[5]);
	}
	return m < n ? -1 : m > n ? 1 : 0;
}

static void read_own(const struct account *account, const struct db_value *row,
		     struct mailbox *mailbox_r)
{
	const uint64_t active = db_value_uint(&row[1]);

	memset(mailbox_r, 0, sizeof(*mailbox_r));
	mailbox_r->address = db_value_text(&row[0]);
	mailbox_r->domain = domain_of(mailbox_r->address);
	mailbox_r->exists = active != OWN_ACTIVE_NONE;
	mailbox_r->active = mailbox_r->exists && active != 0;
	mailbox_r->quota = db_value_text(&row[2]);
	(void)quota_parse(mailbox_r->quota, &mailbox_r->quota_bytes);
	mailbox_r->owner = account->email;
	mailbox_r->is_own = true;
	read_request(&row[3], mailbox_r);
}

/* Both are in the order of the index, the list by domain first: what is looked
   for is near what was found last, or at the beginning. */
static void add_aliases(const struct db_rows *rows, struct mailbox_list *list)
{
	size_t i, j, tried;

	for (i = 0, j = 0; i < rows->count && list->count > 0; i++) {
		const struct db_value *row = rows->rows[i].values;

		for (tried = 0; tried < list->count; tried++) {
			j = (j + 1) % list->count;
			if (strcmp(list->mailboxes[j].address,
				   db_value_text(&row[0])) == 0)
				break;
		}
		if (tried < list->count)
			list->mailboxes[j].aliases = db_value_uint(&row[1]);
	}
}

int mailbox_list_own(struct db *db, struct arena *arena,
		     const struct account *account,
		     struct mailbox_list *list_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(account->id) };
	struct mailbox_list list = { .count = 0 };
	struct db_rows rows, aliases;
	size_t i;

	if (db_query(db, arena, OWN_LIST, params, 1, &rows, error_r) < 0 ||
	    db_query(db, arena, OWN_ALIASES, params, 1, &aliases,
		     error_r) < 0)
		return -1;
	if (rows.count > 0)
		qsort(rows.rows, rows.count, sizeof(*rows.rows), compare_own);
	list.mailboxes = arena_new(arena, struct mailbox, rows.count + 1);
	for (i = 0; i < rows.count; i++) {
		read_own(account, rows.rows[i].values,
			 &list.mailboxes[list.count]);
		keep_mailbox(&list);
	}
	add_aliases(&aliases, &list);
	*list_r = list;
	return 0;
}

/* What follows the address after in an order. Its row is looked up for the
   quota; without it (it was deleted meanwhile) there is nothing after. */
#define AFTER_ADDRESS(column, op) "(?='' OR " column op "?)"
#define AFTER_QUOTA_OF "(SELECT k.quota FROM pymailadmin_mailbox k " \
	"WHERE k.address=?)"
#define AFTER_QUOTA(op) \
	"(?='' OR m.quota" op AFTER_QUOTA_OF " OR " \
	"(m.quota=" AFTER_QUOTA_OF " AND m.address" op "?))"
#define LIMIT_PAGE " LIMIT 51"

#define OWN_PAGE(after, order) \
	"SELECT " MAILBOX_COLUMNS " FROM " OWN_MAILBOXES \
	" AND SUBSTRING_INDEX(n.address,'@',-1)=? AND " after \
	" ORDER BY " order LIMIT_PAGE ") x " MAILBOX_JOINS
#define ALL_PAGE(after, order) \
	"SELECT " MAILBOX_COLUMNS " FROM " ALL_MAILBOXES \
	"WHERE m.address LIKE ? AND d.name=? AND " after \
	" ORDER BY " order LIMIT_PAGE ") x " MAILBOX_JOINS
/* As the column is sorted, so that the order does not change on the way. */
#define OUTER_ADDRESS(direction) \
	"ORDER BY x.address" direction "," NEWEST_REQUEST

/* LIMIT_PAGE counts mailboxes, one more than are shown. */
_Static_assert(MAILBOX_PAGE_SIZE == 50, "LIMIT_PAGE");

static const struct {
	const char *own, *all;
} page_statements[MAILBOX_SORT_COUNT] = {
	[MAILBOX_SORT_ADDRESS] = {
		OWN_PAGE(AFTER_ADDRESS("n.address", ">"), "n.address")
		OUTER_ADDRESS(""),
		ALL_PAGE(AFTER_ADDRESS("m.address", ">"), "m.address")
		OUTER_ADDRESS("")
	},
	[MAILBOX_SORT_ADDRESS_DOWN] = {
		OWN_PAGE(AFTER_ADDRESS("n.address", "<"), "n.address DESC")
		OUTER_ADDRESS(" DESC"),
		ALL_PAGE(AFTER_ADDRESS("m.address", "<"), "m.address DESC")
		OUTER_ADDRESS(" DESC")
	},
	[MAILBOX_SORT_QUOTA] = {
		OWN_PAGE(AFTER_QUOTA(">"),
			 "m.quota,m.address")
		"ORDER BY x.sort,x.address," NEWEST_REQUEST,
		ALL_PAGE(AFTER_QUOTA(">"),
			 "m.quota,m.address")
		"ORDER BY x.sort,x.address," NEWEST_REQUEST
	},
	[MAILBOX_SORT_QUOTA_DOWN] = {
		OWN_PAGE(AFTER_QUOTA("<"),
			 "m.quota DESC,m.address DESC")
		"ORDER BY x.sort DESC,x.address DESC," NEWEST_REQUEST,
		ALL_PAGE(AFTER_QUOTA("<"),
			 "m.quota DESC,m.address DESC")
		"ORDER BY x.sort DESC,x.address DESC," NEWEST_REQUEST
	},
};

int mailbox_list_domain(struct db *db, struct arena *arena,
			const struct account *account,
			const struct mailbox_query *query,
			struct mailbox_list *list_r, bool *more_r,
			const char **error_r)
{
	const char *after = query->after == NULL ? "" : query->after;
	const struct db_value params[] = {
		DB_UINT(account->id),
		db_text(like_pattern(arena, query->search)),
		db_text(query->domain), db_text(after), db_text(after),
		db_text(after), db_text(after),
	};
	const bool by_quota = query->sort == MAILBOX_SORT_QUOTA ||
		query->sort == MAILBOX_SORT_QUOTA_DOWN;
	const unsigned int count = by_quota ? 7 : 5;
	struct db_rows rows;
	int ret;

	if (account->role == ACCOUNT_ROLE_SUPER_ADMIN)
		ret = db_query(db, arena, page_statements[query->sort].all,
			       params + 1, count - 1, &rows, error_r);
	else
		ret = db_query(db, arena, page_statements[query->sort].own,
			       params, count, &rows, error_r);
	if (ret < 0)
		return -1;
	read_mailboxes(arena, account, &rows, list_r);
	*more_r = list_r->count > MAILBOX_PAGE_SIZE;
	if (*more_r)
		list_r->count = MAILBOX_PAGE_SIZE;
	return 0;
}

int mailbox_search(struct db *db, struct arena *arena,
		   const struct account *account, const char *search,
		   struct mailbox_list *list_r, bool *more_r,
		   const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text(like_pattern(arena, search)),
	};
	struct db_rows rows;
	int ret;

	if (account->role == ACCOUNT_ROLE_SUPER_ADMIN)
		/* of a million rows only the index of the addresses is read */
		ret = db_query(db, arena,
			"SELECT " MAILBOX_COLUMNS " FROM (SELECT " ALL_COLUMNS
			" FROM (SELECT id FROM pymailadmin_mailbox WHERE "
			"address LIKE ? ORDER BY address" LIMIT_PAGE ") k "
			"JOIN pymailadmin_mailbox m ON m.id=k.id "
			"JOIN pymailadmin_domain d ON d.id=m.domain_id) x "
			MAILBOX_JOINS OUTER_ADDRESS(""), params + 1, 1,
			&rows, error_r);
	else
		ret = db_query(db, arena,
			"SELECT " MAILBOX_COLUMNS " FROM " OWN_MAILBOXES
			" ORDER BY n.address" LIMIT_PAGE ") x "
			MAILBOX_JOINS OUTER_ADDRESS(""), params, 2, &rows,
			error_r);
	if (ret < 0)
		return -1;
	read_mailboxes(arena, account, &rows, list_r);
	*more_r = list_r->count > MAILBOX_PAGE_SIZE;
	if (*more_r)
		list_r->count = MAILBOX_PAGE_SIZE;
	return 0;
}

int mailbox_find(struct db *db, struct arena *arena,
		 const struct account *account, const char *address,
		 struct mailbox **mailbox_r, const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id), db_text("%"), db_text(address),
	};
	struct mailbox_list list;
	struct db_rows rows;
	int ret;

	if (account->role == ACCOUNT_ROLE_SUPER_ADMIN)
		ret = db_query(db, arena,
			"SELECT " MAILBOX_COLUMNS " FROM " ALL_MAILBOXES
			"WHERE m.address=?) x " MAILBOX_JOINS
			"ORDER BY " NEWEST_REQUEST, params + 2, 1, &rows,
			error_r);
	if (account->role != ACCOUNT_ROLE_SUPER_ADMIN ||
	    (ret == 0 && rows.count == 0))
		/* also what a super admin has only reserved */
		ret = db_query(db, arena,
			"SELECT " MAILBOX_COLUMNS " FROM " OWN_MAILBOXES
			" AND n.address=?) x " MAILBOX_JOINS
			"ORDER BY " NEWEST_REQUEST, params, 3, &rows, error_r);
	if (ret < 0)
		return -1;
	read_mailboxes(arena, account, &rows, &list);
	if (list.count == 0)
		return 0;
	*mailbox_r = &list.mailboxes[0];
	return 1;
}

int mailbox_get_hash(struct db *db, struct arena *arena,
		     const struct account *account, const char *address,
		     const char **hash_r, const char **error_r)
{
	const struct db_value params[] = {
		db_text(address),
		DB_UINT(account->role == ACCOUNT_ROLE_SUPER_ADMIN ? 1 : 0),
		db_text(address), DB_UINT(account->id),
	};
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT password FROM pymailadmin_mailbox WHERE address=? AND "
		"(? OR EXISTS (SELECT 1 FROM pymailadmin_account_mailbox "
		"WHERE address=? AND account_id=?))", params, 4, &row,
		error_r);
	if (ret > 0)
		*hash_r = db_value_text(&row[0]);
	return ret;
}

int mailbox_count(struct db *db, struct arena *arena, uint64_t account_id,
		  uint64_t *count_r, const char **error_r)
{
	const struct db_value params[] = { DB_UINT(account_id) };
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT COUNT(*) FROM pymailadmin_account_mailbox o "
		"WHERE o.account_id=? AND (EXISTS (SELECT 1 FROM "
		"pymailadmin_mailbox m WHERE m.address="
		DB_FOREIGN("o.address") ") OR EXISTS (SELECT 1 FROM "
		"pymailadmin_request_view r WHERE r.open_address=o.address))",
		params, 1, &row, error_r);
	if (ret > 0)
		*count_r = db_value_uint(&row[0]);
	return ret < 0 ? -1 : 0;
}

int mailbox_count_domain(struct db *db, struct arena *arena,
			 const struct account *account,
			 const struct mailbox_query *query, uint64_t *count_r,
			 const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(account->id),
		db_text(like_pattern(arena, query->search)),
		db_text(query->domain),
	};
	const struct db_value *row;
	int ret;

	/* an index has the domains alone */
	if (account->role == ACCOUNT_ROLE_SUPER_ADMIN &&
	    (query->search == NULL || query->search[0] == '\0'))
		ret = db_query_row(db, arena, "SELECT COUNT(*) FROM "
			"pymailadmin_domain d JOIN pymailadmin_mailbox m ON "
			"m.domain_id=d.id WHERE d.name=?", params + 2, 1, &row,
			error_r);
	else if (account->role == ACCOUNT_ROLE_SUPER_ADMIN)
		ret = db_query_row(db, arena, "SELECT COUNT(*) FROM "
			ALL_MAILBOXES "WHERE m.address LIKE ? AND d.name=?) x",
			params + 1, 2, &row, error_r);
	else
		ret = db_query_row(db, arena, "SELECT COUNT(*) FROM "
			OWN_MAILBOXES " AND SUBSTRING_INDEX(n.address,'@',-1)=?"
			" AND (m.address IS NOT NULL OR EXISTS (SELECT 1 FROM "
			"pymailadmin_request_view r WHERE r.open_address=n.address))"
			") x", params, 3, &row, error_r);
	if (ret > 0)
		*count_r = db_value_uint(&row[0]);
	return ret < 0 ? -1 : 0;
}
