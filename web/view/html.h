#ifndef HTML_H
#define HTML_H

/* How values get into HTML: escaped, by these functions and no other way.
   Generated code of the templates calls them. */

#include <stdint.h>

struct buffer;

/* Text between tags and in quoted attributes: & < > " and ' are escaped. NULL
   is nothing. */
void html_text(struct buffer *out, const char *text);
/* One value in a URL's query string, in a quoted attribute: everything but
   unreserved characters (RFC 3986, section 2.3) is percent-encoded. */
void html_url(struct buffer *out, const char *text);
/* Static text of a template. */
void html_raw(struct buffer *out, const char *html);

#endif
