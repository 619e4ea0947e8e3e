#ifndef TEXT_H
#define TEXT_H

/* What text from outside must be before anything is done with it. Any
   thread. */

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629) without control characters, C1 ones included. */
bool text_is_line(const char *text, size_t size);
/* The same, but tabs and line feeds may be in it. */
bool text_is_lines(const char *text, size_t size);
/* How many characters well-formed UTF-8 has. */
size_t text_characters(const char *text);

#endif
