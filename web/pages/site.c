#define _GNU_SOURCE /* explicit_bzero() */
#include "site.h"
#include "arena.h"
#include "background.h"
#include "db.h"
#include "housekeeping.h"
#include "log.h"
#include "notify.h"
#include "own-lists.h"
#include "settings.h"

#include <stdio.h>
#include <string.h>

#define HOUSEKEEPING_SECS 300

static struct db_settings db_settings;
static struct secret_key secret_key;
static struct background *housekeeper;

const struct db_settings *const site_db_settings = &db_settings;
const struct secret_key *const site_secret_key = &secret_key;
const struct settings *site_settings;

static void read_settings(const struct settings *set)
{
	site_settings = set;
	db_settings_init(&db_settings, set);
	_Static_assert(sizeof(secret_key.bytes) == sizeof(set->secret_key),
		       "size of the secret key");
	memcpy(secret_key.bytes, set->secret_key, sizeof(secret_key.bytes));
}

static unsigned int keep_house(void *context)
{
	struct arena *arena = arena_create();
	struct db *db = db_get(&db_settings);
	const char *error;
	uint64_t rows;
	int ret;

	(void)context;
	ret = housekeeping_run(db, arena, site_settings->session_idle_secs,
			       &rows, &error);
	if (ret < 0 && db_is_unavailable(db))
		log_warning(NULL, "housekeeping has to wait: %s", error);
	else if (ret < 0)
		log_error(NULL, "housekeeping failed: %s", error);
	arena_free(&arena);
	return HOUSEKEEPING_SECS;
}

/* With other tables its pages would fail one by one. While the database does
   not answer, it is not known. */
static bool knows_tables(const char **error_r)
{
	static char text[512];
	struct arena *arena = arena_create();
	const char *error;
	int ret;

	ret = schema_check(db_get(&db_settings), arena, &error);
	if (ret == 0) {
		(void)snprintf(text, sizeof(text), "%s", error);
		*error_r = text;
	}
	arena_free(&arena);
	/* this thread needs it no more */
	db_deinit();
	return ret != 0;
}

int site_start(const struct settings *set, const char **error_r)
{
	read_settings(set);
	if (!knows_tables(error_r))
		return -1;
	if (notify_start(set, &db_settings, error_r) < 0)
		return -1;
	housekeeper = background_start(keep_house, NULL);
	if (housekeeper == NULL) {
		notify_stop();
		*error_r = "cannot make a thread";
		return -1;
	}
	return 0;
}

void site_stop(void)
{
	background_stop(&housekeeper);
	notify_stop();
	own_lists_deinit();
	db_deinit();
	explicit_bzero(&secret_key, sizeof(secret_key));
}
