#include "background.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct background {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool woken, stopping;
	unsigned int (*run)(void *context);
	void *context;
};

/* Returns false when it is time to end. */
static bool wait_for(struct background *background, unsigned int secs)
{
	struct timespec until;
	int ret = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)secs;
	(void)pthread_mutex_lock(&background->mutex);
	while (!background->woken && !background->stopping && ret == 0)
		ret = pthread_cond_timedwait(&background->changed,
					     &background->mutex, &until);
	background->woken = false;
	ret = background->stopping ? 0 : 1;
	(void)pthread_mutex_unlock(&background->mutex);
	return ret > 0;
}

static void *run(void *context)
{
	struct background *background = context;
	unsigned int secs;

	do {
		secs = background->run(background->context);
	} while (wait_for(background, secs));
	return NULL;
}

struct background *background_start(unsigned int (*function)(void *context),
				    void *context)
{
	struct background *background = calloc(1, sizeof(*background));
	pthread_condattr_t attr;

	if (background == NULL) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	background->run = function;
	background->context = context;
	(void)pthread_mutex_init(&background->mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&background->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (pthread_create(&background->thread, NULL, run, background) != 0) {
		(void)pthread_cond_destroy(&background->changed);
		(void)pthread_mutex_destroy(&background->mutex);
		free(background);
		return NULL;
	}
	return background;
}

void background_wake(struct background *background)
{
	(void)pthread_mutex_lock(&background->mutex);
	background->woken = true;
	(void)pthread_cond_signal(&background->changed);
	(void)pthread_mutex_unlock(&background->mutex);
}

void background_stop(struct background **_background)
{
	struct background *background = *_background;

	if (background == NULL)
		return;
	*_background = NULL;
	(void)pthread_mutex_lock(&background->mutex);
	background->stopping = true;
	(void)pthread_cond_signal(&background->changed);
	(void)pthread_mutex_unlock(&background->mutex);
	(void)pthread_join(background->thread, NULL);
	(void)pthread_cond_destroy(&background->changed);
	(void)pthread_mutex_destroy(&background->mutex);
	free(background);
}
