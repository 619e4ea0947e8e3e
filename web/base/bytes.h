#ifndef BYTES_H
#define BYTES_H

/* Random bytes, hex, and comparing without telling where the difference is.
   Any thread. */

#include <stdbool.h>
#include <stddef.h>

/* From the kernel; ends the process if it has none. */
void bytes_random(void *data_r, size_t size);
/* Lower case, 2 * size digits and a NUL. */
void bytes_to_hex(const void *data, size_t size, char *hex_r);
/* text must be 2 * size lower case digits and nothing else. Returns false and
   leaves the output alone if not. */
bool bytes_from_hex(const char *text, void *data_r, size_t size);
/* In a time that depends on the size only. */
bool bytes_equal(const void *a, const void *b, size_t size);

#endif
