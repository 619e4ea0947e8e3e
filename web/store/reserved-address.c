#include "reserved-address.h"
#include "arena.h"
#include "db.h"
#include "like.h"

#define LIMIT_PAGE " LIMIT 51"

/* LIMIT_PAGE counts one more than are shown. */
_Static_assert(RESERVED_ADDRESS_PAGE_SIZE == 50, "LIMIT_PAGE");

int reserved_address_list(struct db *db, struct arena *arena,
			  const char *search, const char *after,
			  struct reserved_address_list *list_r, bool *more_r,
			  const char **error_r)
{
	const struct db_value params[] = {
		db_text(like_pattern(arena, search)),
		db_text(after == NULL ? "" : after),
	};
	struct reserved_address_list list = { .count = 0 };
	struct db_rows rows;

	if (db_query(db, arena,
		"SELECT address," DB_TO_EPOCH("created_at") ","
		DB_TO_EPOCH("reserved_until") " "
		"FROM pymailadmin_reserved_address WHERE address LIKE ? AND "
		"address>? AND reserved_until>UTC_TIMESTAMP() "
		"ORDER BY address" LIMIT_PAGE, params, 2, &rows, error_r) < 0)
		return -1;
	list.addresses = arena_new(arena, struct reserved_address,
				   rows.count + 1);
	for (; list.count < rows.count &&
	     list.count < RESERVED_ADDRESS_PAGE_SIZE; list.count++) {
		const struct db_value *row = rows.rows[list.count].values;

		list.addresses[list.count] = (struct reserved_address){
			.address = db_value_text(&row[0]),
			.removed = db_value_uint(&row[1]),
			.until = db_value_uint(&row[2]),
		};
	}
	*list_r = list;
	*more_r = rows.count > RESERVED_ADDRESS_PAGE_SIZE;
	return 0;
}
