#ifndef HTTP_URI_H
#define HTTP_URI_H

struct arena;
struct http_pairs;

/* What stands in the request line: a path and perhaps a query string, decoded.
   Both are in the arena. Returns 1; 0 if a limit is exceeded; -1 if it is
   malformed: no slash in front (such as a whole URL), characters that belong
   encoded, a broken percent-encoding, NUL and control characters, not UTF-8, an
   argument that comes twice. Nothing is normalised: "//" and "/.." remain, and
   match no page. */
int http_uri_parse(struct arena *arena, const char *uri, const char **path_r,
		   struct http_pairs *query_r);

#endif
