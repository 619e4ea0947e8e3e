#include "heartbeat.h"
#include "arena.h"
#include "bytes.h"
#include "clock.h"
#include "db.h"

#define LATELY_MSECS 1000

static const char *key_id(struct arena *arena,
			  const struct seal_public_key *seal_key)
{
	unsigned char id[SEAL_KEY_ID_SIZE];
	char *hex = arena_alloc(arena, 2 * SEAL_KEY_ID_SIZE + 1);

	seal_public_key_id(seal_key, id);
	bytes_to_hex(id, sizeof(id), hex);
	return hex;
}

int heartbeat_find(struct db *db, struct arena *arena,
		   const struct seal_public_key *seal_key,
		   const char *request_id, struct heartbeat *heartbeat_r,
		   const char **error_r)
{
	const struct db_value params[] = {
		db_text(key_id(arena, seal_key)),
		db_text(request_id == NULL ? "" : request_id),
	};
	const struct db_value *row;
	int ret;

	if (request_id == NULL)
		ret = db_query_row(db, arena,
			"SELECT host,GREATEST(0,TIMESTAMPDIFF(SECOND,"
			"last_run_at,UTC_TIMESTAMP())),"
			"COALESCE(seal_key_id=?,0) FROM pymailadmin_heartbeat "
			"ORDER BY 3 DESC,last_run_at DESC LIMIT 1",
			params, 1, &row, error_r);
	else
		ret = db_query_row(db, arena,
			"SELECT h.host,GREATEST(0,TIMESTAMPDIFF(SECOND,"
			"h.last_run_at,UTC_TIMESTAMP())),"
			"COALESCE(h.seal_key_id=?,0) "
			"FROM pymailadmin_request_view r "
			"JOIN pymailadmin_heartbeat h ON h.backend<=>r.backend "
			"WHERE r.id=? ORDER BY 3 DESC,h.last_run_at DESC "
			"LIMIT 1", params, 2, &row, error_r);
	if (ret <= 0)
		return ret;
	heartbeat_r->host = db_value_text(&row[0]);
	heartbeat_r->age_secs = db_value_uint(&row[1]);
	heartbeat_r->opens_seals = db_value_uint(&row[2]) != 0;
	return 1;
}

int heartbeat_find_lately(struct db *db, struct arena *arena,
			  const struct seal_public_key *seal_key,
			  uint64_t *age_secs_r, const char **error_r)
{
	static _Thread_local struct {
		uint64_t read_at, age_secs;
		int ret;
	} lately;
	const uint64_t now = clock_msecs();
	struct heartbeat heartbeat = { .age_secs = 0 };
	int ret;

	if (lately.read_at == 0 || now - lately.read_at >= LATELY_MSECS) {
		ret = heartbeat_find(db, arena, seal_key, NULL, &heartbeat,
				     error_r);
		if (ret < 0)
			return -1;
		lately.ret = ret;
		lately.age_secs = heartbeat.age_secs;
		lately.read_at = now;
	}
	if (lately.ret > 0)
		*age_secs_r = lately.age_secs;
	return lately.ret;
}

#define ALIVE(host) \
	host ".last_run_at>=UTC_TIMESTAMP()-INTERVAL 300 SECOND"
_Static_assert(HEARTBEAT_MAX_SECS == 300, "ALIVE");
#define ONE_IS_ALIVE \
	"EXISTS (SELECT 1 FROM pymailadmin_heartbeat o WHERE " ALIVE("o") ")"
#define NEVER_CAME(backend) \
	"NOT EXISTS (SELECT 1 FROM pymailadmin_heartbeat o " \
	"WHERE o.backend<=>" backend ")"
/* What an administrator keeps closed waits for no host. */
#define WAITS_FOR(backend) \
	"EXISTS (SELECT 1 FROM pymailadmin_request_view r " \
	"WHERE r.backend<=>" backend " AND r.kind<>'close' AND " \
	"r.state IN ('pending','claimed','switching','switched','rekeying'," \
	"'storing'))"
/* A handful, found by the index without the requests of each. */
#define BACKENDS "(SELECT DISTINCT backend FROM pymailadmin_request_view)"

int heartbeat_find_trouble(struct db *db, struct arena *arena,
			   const struct seal_public_key *seal_key,
			   struct heartbeat_trouble *trouble_r,
			   const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(HEARTBEAT_FORGOTTEN_SECS),
		db_text(key_id(arena, seal_key)),
	};
	const struct db_value *row;
	int ret;

	ret = db_query_row(db, arena,
		"SELECT (SELECT GROUP_CONCAT(n.name ORDER BY n.name "
		"SEPARATOR ', ') FROM (SELECT h.host AS name "
		"FROM pymailadmin_heartbeat h WHERE NOT EXISTS "
		"(SELECT 1 FROM pymailadmin_heartbeat o "
		"WHERE o.backend<=>h.backend AND " ALIVE("o") ") AND "
		"(h.last_run_at>UTC_TIMESTAMP()-INTERVAL ? SECOND OR "
		WAITS_FOR("h.backend") ") UNION "
		"SELECT b.backend FROM " BACKENDS " b WHERE "
		"b.backend IS NOT NULL AND " NEVER_CAME("b.backend") " AND "
		WAITS_FOR("b.backend") ") n "
		"WHERE " ONE_IS_ALIVE "),"
		"(SELECT GROUP_CONCAT(h.host ORDER BY h.host SEPARATOR ', ') "
		"FROM pymailadmin_heartbeat h WHERE "
		"NOT COALESCE(h.seal_key_id=?,0) AND " ALIVE("h") "),"
		ONE_IS_ALIVE " AND " NEVER_CAME("NULL") " AND "
		WAITS_FOR("NULL"), params, 2, &row, error_r);
	if (ret <= 0)
		return -1;
	trouble_r->silent_hosts = db_value_is_null(&row[0]) ? NULL :
		db_value_text(&row[0]);
	trouble_r->other_key_hosts = db_value_is_null(&row[1]) ? NULL :
		db_value_text(&row[1]);
	trouble_r->nameless_missing = db_value_uint(&row[2]) != 0;
	return 0;
}
