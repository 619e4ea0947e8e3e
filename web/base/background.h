#ifndef BACKGROUND_H
#define BACKGROUND_H

/* A thread that does something now and then. */

struct background;

/* run() is called at once, and again so many seconds after it has returned as
   it says. Signals have to be blocked. Returns NULL if there can be no
   thread. */
struct background *background_start(unsigned int (*run)(void *context),
				    void *context);
/* run() is called soon, whatever it said. Any thread. */
void background_wake(struct background *background);
/* Waits for what runs. NULL is fine. */
void background_stop(struct background **background);

#endif
