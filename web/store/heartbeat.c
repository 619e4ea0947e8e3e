#include "heartbeat.h"
#include "bytes.h"
#include "clock.h"
#include "db.h"

#define LATELY_MSECS 1000

int heartbeat_find(struct db *db, struct arena *arena,
		   const struct seal_public_key *seal_key,
		   struct heartbeat *heartbeat_r, const char **error_r)
{
	unsigned char id[SEAL_KEY_ID_SIZE];
	char hex[2 * SEAL_KEY_ID_SIZE + 1];
	const struct db_value params[] = { DB_BYTES(hex, sizeof(hex) - 1) };
	const struct db_value *row;
	int ret;

	seal_public_key_id(seal_key, id);
	bytes_to_hex(id, sizeof(id), hex);
	ret = db_query_row(db, arena,
		"SELECT host,GREATEST(0,TIMESTAMPDIFF(SECOND,last_run_at,"
		"UTC_TIMESTAMP())),COALESCE(seal_key_id=?,0) "
		"FROM pymailadmin_heartbeat ORDER BY 3 DESC,last_run_at DESC "
		"LIMIT 1", params, 1, &row, error_r);
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
		ret = heartbeat_find(db, arena, seal_key, &heartbeat, error_r);
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
