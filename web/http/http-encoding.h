#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include <stdbool.h>

/* Whether an Accept-Encoding header, which may be NULL, names gzip (RFC 9110,
   section 12.5.3), and not with the weight 0. */
bool http_encodings_have_gzip(const char *header);

#endif
