#define _GNU_SOURCE /* gettid() */
#include "work-queue.h"
#include "clock.h"
#include "metrics.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKER_NICE 19

struct work_queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct work *first, **end;
	/* Places that are taken: reserved, waiting, running. */
	unsigned int taken, max;
	unsigned int max_wait_msecs;
	unsigned int threads_count;
	bool canceled, stopping;
	pthread_t threads[];
};

/* With the lock. NULL when the queue is to end. */
static struct work *next_work(struct work_queue *queue)
{
	struct work *work;

	/* A place that was kept is still to be pushed to. */
	while (queue->first == NULL && !(queue->stopping && queue->taken == 0))
		(void)pthread_cond_wait(&queue->changed, &queue->lock);
	work = queue->first;
	if (work != NULL) {
		queue->first = work->next;
		if (queue->first == NULL)
			queue->end = &queue->first;
	}
	return work;
}

static enum work_end run_work(struct work_queue *queue, struct work *work,
			      bool canceled)
{
	if (canceled ||
	    clock_msecs() - work->queued_msecs > queue->max_wait_msecs)
		return WORK_LATE;
	if (work->wanted != NULL && !work->wanted(work->context))
		return WORK_UNWANTED;
	work->run(work->context);
	return WORK_DONE;
}

static void *worker(void *context)
{
	struct work_queue *queue = context;
	struct work *work;
	enum work_end end;
	bool canceled;

	/* On Linux a thread has a nice value of its own. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
	(void)pthread_mutex_lock(&queue->lock);
	while ((work = next_work(queue)) != NULL) {
		canceled = queue->canceled;
		(void)pthread_mutex_unlock(&queue->lock);
		end = run_work(queue, work, canceled);
		if (end != WORK_DONE)
			metrics_count(METRICS_SLOW_DROPPED);
		metrics_gauge_add(METRICS_SLOW_QUEUED, -1);
		/* The place first: who is told may come back at once. */
		(void)pthread_mutex_lock(&queue->lock);
		queue->taken--;
		(void)pthread_cond_broadcast(&queue->changed);
		(void)pthread_mutex_unlock(&queue->lock);
		work->ended(work->context, end);
		(void)pthread_mutex_lock(&queue->lock);
	}
	(void)pthread_mutex_unlock(&queue->lock);
	return NULL;
}

/* Signals are the main thread's. */
static bool start_thread(struct work_queue *queue)
{
	sigset_t all, before;
	int ret;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&queue->threads[queue->threads_count], NULL,
			     worker, queue);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret == 0)
		queue->threads_count++;
	return ret == 0;
}

struct work_queue *work_queue_create(unsigned int threads, unsigned int max,
				     unsigned int max_wait_msecs,
				     const char **error_r)
{
	struct work_queue *queue = calloc(1, sizeof(*queue) +
					  threads * sizeof(queue->threads[0]));
	unsigned int i;

	if (queue == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	(void)pthread_mutex_init(&queue->lock, NULL);
	(void)pthread_cond_init(&queue->changed, NULL);
	queue->end = &queue->first;
	queue->max = max + threads;
	queue->max_wait_msecs = max_wait_msecs;
	for (i = 0; i < threads; i++) {
		if (!start_thread(queue)) {
			work_queue_free(&queue);
			*error_r = "pthread_create() failed";
			return NULL;
		}
	}
	return queue;
}

void work_queue_stop(struct work_queue *queue)
{
	(void)pthread_mutex_lock(&queue->lock);
	queue->canceled = true;
	queue->stopping = true;
	(void)pthread_cond_broadcast(&queue->changed);
	(void)pthread_mutex_unlock(&queue->lock);
	for (; queue->threads_count > 0; queue->threads_count--)
		(void)pthread_join(queue->threads[queue->threads_count - 1],
				   NULL);
}

void work_queue_free(struct work_queue **_queue)
{
	struct work_queue *queue = *_queue;

	if (queue == NULL)
		return;
	*_queue = NULL;
	work_queue_stop(queue);
	(void)pthread_cond_destroy(&queue->changed);
	(void)pthread_mutex_destroy(&queue->lock);
	free(queue);
}

bool work_queue_reserve(struct work_queue *queue)
{
	bool reserved;

	(void)pthread_mutex_lock(&queue->lock);
	reserved = !queue->canceled && queue->taken < queue->max;
	if (reserved)
		queue->taken++;
	(void)pthread_mutex_unlock(&queue->lock);
	if (reserved)
		metrics_gauge_add(METRICS_SLOW_QUEUED, 1);
	else
		metrics_count(METRICS_SLOW_REJECTED);
	return reserved;
}

void work_queue_push(struct work_queue *queue, struct work *work)
{
	work->next = NULL;
	work->queued_msecs = clock_msecs();
	(void)pthread_mutex_lock(&queue->lock);
	*queue->end = work;
	queue->end = &work->next;
	(void)pthread_cond_signal(&queue->changed);
	(void)pthread_mutex_unlock(&queue->lock);
}
