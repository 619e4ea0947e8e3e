#ifndef CLOSURE_STORE_H
#define CLOSURE_STORE_H

/* Requests of kind close in the database, beside request-store.h, whose
   conventions hold: a mailbox is kept closed for a time, and nothing else is
   done to it. */

#include "request-store.h"

/* Does the request, of whatever kind, keep its mailbox closed? As
   request_keeps_closed() says. */
bool request_row_keeps_closed(const struct request_row *row,
			      unsigned int window_secs, uint64_t *opens_r);

/* File one that ends by itself after secs. text says for the history who asked.
   Sets row->until. Returns 1 if filed, 0 if the mailbox has an open one. */
int closure_store_file(struct request_store *store, struct request_row *row,
		       unsigned int secs, const char *text,
		       const char **error_r);

#endif
