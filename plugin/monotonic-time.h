#ifndef MONOTONIC_TIME_H
#define MONOTONIC_TIME_H

/* Milliseconds since some moment before the start of the process, for waits
   that a clock being set must not lengthen or cut. */
uint64_t monotonic_time_msecs(void);

#endif
