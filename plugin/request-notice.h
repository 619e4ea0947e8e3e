#ifndef REQUEST_NOTICE_H
#define REQUEST_NOTICE_H

/* What people are told by mail of a request that has ended: a row of
   pymailadmin_outbox, which the portal sends, be it up at the time or not. */

#include "request-state.h"

struct request_row;
struct sql_db;
struct sql_transaction_context;

/* Adds the row to the transaction that ends the request, to follow right after
   the statement that records the event: nothing is written unless that wrote
   a row. It goes to the mailbox's owner, else to who asked in the portal; what
   an administrator asked for a mailbox that nobody owns is told to nobody. A
   mailbox that was deleted has no owner from then on. */
void request_notice_add(struct sql_db *db,
			struct sql_transaction_context *trans,
			const struct request_row *row,
			enum request_state state);

#endif
