#include "lib.h"
#include "array.h"
#include "hash.h"
#include "master-service.h"
#include "str-sanitize.h"
#include "closure-store.h"
#include "live-sessions.h"
#include "monotonic-time.h"
#include "closure-run.h"

#define PASS_MAX_MSECS 1000
/* In place of a pass: not again in this run. */
#define PASS_FAILED UINT_MAX

struct closure_run {
	pool_t pool;
	struct event *event;
	struct request_store *store;
	const char *base_dir;
	unsigned int window_secs;
	/* By the request's id, the pass in which its sessions were told to go;
	   the first one is 1. */
	HASH_TABLE(const char *, void *) passes;
	unsigned int pass;
};

struct closure_run *
closure_run_init(struct event *event, struct request_store *store,
		 const char *base_dir, unsigned int window_secs)
{
	pool_t pool = pool_alloconly_create("pymailadmin closures", 1024);
	struct closure_run *run = p_new(pool, struct closure_run, 1);

	run->pool = pool;
	run->event = event;
	run->store = store;
	run->base_dir = p_strdup(pool, base_dir);
	run->window_secs = window_secs;
	hash_table_create(&run->passes, default_pool, 0, str_hash, strcmp);
	return run;
}

void closure_run_deinit(struct closure_run **_run)
{
	struct closure_run *run = *_run;
	pool_t pool = run->pool;

	*_run = NULL;
	hash_table_destroy(&run->passes);
	pool_unref(&pool);
}

static unsigned int
get_pass(const struct closure_run *run, const struct request_row *row)
{
	return POINTER_CAST_TO(hash_table_lookup(run->passes, row->id),
			       unsigned int);
}

static void end_sessions(struct closure_run *run, const struct request_row *row)
{
	unsigned int count, pass = run->pass;
	const char *error;

	if (live_sessions_kick(run->base_dir, row->address, &count,
			       &error) < 0) {
		e_error(run->event, "ending the sessions of %s failed: %s",
			str_sanitize(row->address, 254), error);
		pass = PASS_FAILED;
	}
	hash_table_update(run->passes, get_pass(run, row) > 0 ? row->id :
			  p_strdup(run->pool, row->id), POINTER_CAST(pass));
}

static bool end_request(struct closure_run *run, struct request_row *row,
			closure_run_callback_t *callback, void *context)
{
	const char *error = NULL;
	int ret;

	ret = request_store_end(run->store, row, REQUEST_STATE_DONE, "done",
				"its time is over", &error);
	return ret == 0 || callback(row, ret < 0 ? error : NULL, context);
}

/* Is it the request's turn? First those have it that had none in this run, then
   those that had one in an earlier pass, if their sessions answered. */
static bool is_due(const struct closure_run *run, const struct request_row *row,
		   bool first, bool *keeps_closed_r)
{
	unsigned int pass = get_pass(run, row);
	uint64_t opens;

	*keeps_closed_r = request_row_keeps_closed(row, run->window_secs,
						   &opens);
	if (first)
		return !*keeps_closed_r || pass == 0;
	return *keeps_closed_r && pass > 0 && pass < run->pass;
}

static bool is_closure(const struct request_row *row, const char *one)
{
	return row->kind == REQUEST_KIND_CLOSE &&
		!request_state_is_final(row->state) &&
		(one == NULL || strcasecmp(one, row->address) == 0);
}

bool closure_run_pass(struct closure_run *run,
		      const ARRAY_TYPE(request_row) *rows, const char *one,
		      closure_run_callback_t *callback, void *context,
		      bool *cut_r)
{
	const uint64_t begun = monotonic_time_msecs();
	struct request_row *row;
	bool keeps_closed, first = TRUE, ok = TRUE;

	*cut_r = FALSE;
	run->pass++;
	do {
		array_foreach_elem(rows, row) T_BEGIN {
			if (!ok || master_service_is_killed(master_service) ||
			    !is_closure(row, one) ||
			    !is_due(run, row, first, &keeps_closed))
				;
			else if (monotonic_time_msecs() - begun >
				 PASS_MAX_MSECS)
				*cut_r = *cut_r || first;
			else if (keeps_closed)
				end_sessions(run, row);
			else
				ok = end_request(run, row, callback, context);
		} T_END;
		first = !first;
	} while (!first);
	return ok;
}
