#ifndef HTTP_FORM_H
#define HTTP_FORM_H

/* application/x-www-form-urlencoded, of bodies and query strings, read
   strictly: what no browser sends is refused. */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct http_pairs;

struct http_form_limits {
	size_t pairs, name_size, value_size;
};

extern const struct http_form_limits http_form_body_limits;
extern const struct http_form_limits http_form_query_limits;

/* Returns 1 with the pairs, in the arena; 0 if there are more or longer ones
   than the limits say; -1 if it is malformed: a broken percent-encoding, not
   UTF-8, control characters (but for line ends, of which only line feeds
   remain, and tabs), an empty name or one that comes twice. */
int http_form_parse(struct arena *arena, const char *data, size_t size,
		    const struct http_form_limits *limits,
		    struct http_pairs *pairs_r);

/* Decodes percent-encoding, and "+" as a space if plus is true. The result has
   a NUL at its end and may have others. Returns false if it is broken. */
bool http_form_decode(struct arena *arena, const char *data, size_t size,
		      bool plus, char **text_r, size_t *size_r);

#endif
