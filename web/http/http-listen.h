#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

/* Sockets that listen: "127.0.0.1:8686", "[::1]:8686", "unix:/path", or
   "systemd" for the one that systemd has opened. */

#include <stdbool.h>

struct http_listener;

/* Whether it is one of these. */
bool http_listen_parse(const char *where);

/* An own unix socket gets mode 0660; one that a dead process has left is
   replaced, a live one is not. Returns NULL with a text in *error_r, valid
   until the next call. */
struct http_listener *http_listen(const char *where, const char **error_r);
/* A descriptor that does not block. */
int http_listener_fd(const struct http_listener *listener);
/* Systemd has opened it, and keeps it open when we go. */
bool http_listener_is_inherited(const struct http_listener *listener);
/* Of those that have not yet begun to connect, nobody gets through any more;
   the others are still in the queue of the socket. Not for an inherited one. */
void http_listener_close_door(struct http_listener *listener);
void http_listener_free(struct http_listener **listener);

#endif
