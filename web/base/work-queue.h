#ifndef WORK_QUEUE_H
#define WORK_QUEUE_H

/* Threads of low priority for work that takes long, and a bounded queue in
   front of them. Any thread. */

#include <stdbool.h>
#include <stdint.h>

enum work_end {
	WORK_DONE,
	/* It waited for too long, or the queue was stopped. */
	WORK_LATE,
	/* wanted() has said no. */
	WORK_UNWANTED
};

struct work {
	/* May be NULL: asked right before run(). */
	bool (*wanted)(void *context);
	void (*run)(void *context);
	/* In each case the last that is done with the work: it may be freed by
	   then. */
	void (*ended)(void *context, enum work_end end);
	void *context;

	/* private */
	struct work *next;
	uint64_t queued_msecs;
};

struct work_queue;

/* Besides what the threads work at, max wait, none of them longer than
   max_wait_msecs before it runs. Returns NULL with a static text in *error_r if
   threads cannot be made. */
struct work_queue *work_queue_create(unsigned int threads, unsigned int max,
				     unsigned int max_wait_msecs,
				     const char **error_r);
/* Nothing new is taken, what waits ends late, and what runs is waited for. */
void work_queue_stop(struct work_queue *queue);
/* Stops it first. */
void work_queue_free(struct work_queue **queue);

/* Keeps a place, which a push must follow. Returns false if there is none, or
   the queue was stopped. */
bool work_queue_reserve(struct work_queue *queue);
/* The work is the caller's, and must live until it has ended. */
void work_queue_push(struct work_queue *queue, struct work *work);

#endif
