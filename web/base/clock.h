#ifndef CLOCK_H
#define CLOCK_H

/* Time that never goes back, for measuring. Any thread. */

#include <stdint.h>

uint64_t clock_usecs(void);
uint64_t clock_msecs(void);

#endif
