#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

/* Mails as they go over the wire: plain text in UTF-8, quoted-printable; header
   fields are encoded (RFC 2047), and nothing that is put into them ends a line.
   Pure; any thread. */

#include <stdbool.h>
#include <stdint.h>

struct buffer;

struct mail {
	const char *from, *from_name, *to;
	const char *subject, *text;
	/* "en" */
	const char *language;
	/* Before the @ of the Message-ID: the same each time it is tried, so
	   that a mail that comes twice is seen to be one. */
	const char *id;
	uint64_t date;
};

/* Returns false if an address is none that can be written down in ASCII. */
bool mail_compose(struct buffer *out, const struct mail *mail);
/* Is it safe in an envelope and in a header field? */
bool mail_address_is_safe(const char *address);

#endif
