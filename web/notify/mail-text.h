#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

/* What the mails say. Pure; any thread. */

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct language;

struct mail_values {
	/* Of the outbox. */
	const char *template;
	const char *product;
	/* Whose account. */
	const char *email;
	/* Which mailbox it is about; NULL if it is about the account. */
	const char *address;
	/* Where to go. */
	const char *url;
	/* What a moderator wrote. */
	const char *message;
	/* Of a log-in; NULL if not known. */
	const char *browser, *network;
	/* When it happened. */
	uint64_t time;
	/* How long the link works. */
	uint64_t valid_secs;
};

/* In the arena. Returns false if there is no such template, or it is about a
   mailbox and the address is missing. */
bool mail_text(struct arena *arena, const struct language *language,
	       const struct mail_values *values, const char **subject_r,
	       const char **text_r);

#endif
