#ifndef HTML_H
#define HTML_H

/* How values get into HTML: escaped, by these functions and no other way.
   Generated code of the templates calls them. */

#include "language.h"

#include <stdint.h>

struct buffer;

/* Text between tags and in quoted attributes: & < > " and ' are escaped, and
   control characters, which HTML cannot have, are replaced. NULL is nothing. */
void html_text(struct buffer *out, const char *text);
/* One value in a URL's query string, in a quoted attribute: everything but
   unreserved characters (RFC 3986, section 2.3) is percent-encoded. */
void html_url(struct buffer *out, const char *text);
/* Digits only, for attributes that browsers read. */
void html_number(struct buffer *out, uint64_t number);

enum html_place {
	/* Between tags: times become <time> elements. */
	HTML_IN_TEXT,
	/* In a quoted attribute or <title>. */
	HTML_IN_ATTRIBUTE
};

/* A value in a language's form. */
void html_value(struct buffer *out, const struct language *language,
		enum html_place place, struct language_value value);
/* A message, whose values are escaped in any case, its own text if its name
   does not end in _html: such a one stands in text only. */
#define html_message(out, language, place, message, ...) \
	html_message_values(out, language, place, message, \
			    LANGUAGE_VALUES(__VA_ARGS__))
void html_message_values(struct buffer *out, const struct language *language,
			 enum html_place place, enum message message,
			 const struct language_value *values);

#endif
