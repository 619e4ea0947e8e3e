#ifndef REKEY_QUEUE_H
#define REKEY_QUEUE_H

/* Requests whose stored mail is being re-encrypted by processes of their own,
   while this one goes on with other requests: it records their progress, opens
   their windows when the time has come, and ends them. One thread. */

#include "password-change.h"

struct request_row;

/* A mailbox that is closed waits for nobody; those open go one by one. */
#define REKEY_QUEUE_MAX 8
#define REKEY_QUEUE_MAX_BACKGROUND 1

struct rekey_queue;

/* What became of a request. */
typedef void rekey_queue_callback_t(const struct request_row *row,
				    enum password_change_result result,
				    void *context);

struct rekey_queue *
rekey_queue_init(const struct password_change_context *ctx,
		 rekey_queue_callback_t *callback, void *context);
/* Nothing may be running. */
void rekey_queue_deinit(struct rekey_queue **queue);

/* May another one be started? */
bool rekey_queue_may_start(const struct rekey_queue *queue,
			   const struct request_row *row);
/* Starts the claimed request's process; row is copied. If it cannot be
   started, the request is given back or ended, and the callback is called. */
void rekey_queue_start(struct rekey_queue *queue,
		       const struct request_row *row);
/* Looks after the processes. Returns their number. */
unsigned int rekey_queue_poll(struct rekey_queue *queue);
/* The database has failed: stops all without asking it anything more. Their
   requests stay as they are, for another run to go on with. */
void rekey_queue_abandon(struct rekey_queue *queue);
/* Has it been found to have failed? */
bool rekey_queue_has_failed(const struct rekey_queue *queue);
/* Stops those of an address, or all if NULL, and waits for their end. Their
   requests are given back, to go on later; those of an address without a
   word, because another request of it comes first. */
void rekey_queue_stop(struct rekey_queue *queue, const char *address);

#endif
