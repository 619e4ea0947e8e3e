#ifndef CLOSURE_RUN_H
#define CLOSURE_RUN_H

/* What a run of "process" does for mailboxes that an administrator keeps closed,
   after all else: who had passed the log-in when one was closed may be in by
   now, and those whose time is over are to be ended. Sessions that do not answer
   take seconds of one pass each. One thread. */

#include "request-store.h"

struct closure_run;

/* A request has ended, or could not be ended because of an error. Returns FALSE
   if there is no use in going on. */
typedef bool closure_run_callback_t(const struct request_row *row,
				    const char *error, void *context);

struct closure_run *
closure_run_init(struct event *event, struct request_store *store,
		 const char *base_dir, unsigned int window_secs);
void closure_run_deinit(struct closure_run **run);

/* One pass over these requests, of which it takes those of kind close, and of
   one address, if one is given. Sets *cut_r if some have not had their turn,
   which they have in the next pass. Returns FALSE if the callback did. */
bool closure_run_pass(struct closure_run *run,
		      const ARRAY_TYPE(request_row) *rows, const char *one,
		      closure_run_callback_t *callback, void *context,
		      bool *cut_r);

#endif
