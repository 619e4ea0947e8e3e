#ifndef MAIL_SEND_H
#define MAIL_SEND_H

#include <stdbool.h>

struct buffer;
struct settings;

/* Longer than sending one may last. */
#define MAIL_SEND_SECS 60

/* Before the first thread is made. Returns 0 or -1. */
int mail_send_init(void);
void mail_send_deinit(void);
/* A mail that is on its way has a few seconds left, and none is begun any more:
   mail_send() fails. Any thread. */
void mail_send_end(void);
bool mail_send_has_ended(void);
/* Is the host of "scheme://host:port" this one? What goes over no wire needs no
   TLS. */
bool mail_url_is_local(const char *url);
/* Hands a composed mail to the server of smtp_url. With smtp:// it has to offer
   STARTTLS, unless it is on this host; with smtps:// TLS comes first; its
   certificate is verified. Returns 0, or -1 with a text in error_r, which has
   room for MAIL_SEND_ERROR_SIZE bytes. */
#define MAIL_SEND_ERROR_SIZE 320
int mail_send(const struct settings *set, const char *to,
	      const struct buffer *mail, char error_r[MAIL_SEND_ERROR_SIZE]);

#endif
