#ifndef OUTBOX_H
#define OUTBOX_H

/* pymailadmin_outbox: mails to be sent, so that no page waits for SMTP. Pages
   need not know it: the other stores write what is to be told. Conventions:
   account.h. */

#include <stdint.h>

struct arena;
struct db;

struct outbox_mail {
	uint64_t id;
	/* Of the account it goes to; 0 if it goes to who has none. */
	uint64_t account_id;
	/* The registration it is about, or 0. */
	uint64_t registration_id;
	const char *recipient, *language;
	/* Which text: "password-reset", "account-password-changed",
	   "two-factor-on", "two-factor-off", "backup-codes-changed",
	   "new-login", "password-filed", "delete-filed", "request-canceled",
	   "registration", "registration-waiting", "registration-reminder",
	   "registration-accepted", "registration-declined", "account-made",
	   "account-deleted", "account-role", "account-deactivated",
	   "account-activated", "two-factor-reset", "mailbox-given",
	   "mailbox-taken", "aliases-changed", and what the mail host
	   writes. */
	const char *template;
	/* The mailbox it is about, or NULL. */
	const char *address;
	/* What a moderator wrote, or NULL. */
	const char *message;
	/* Of a log-in; NULL if not known. */
	const char *browser, *network;
	uint64_t created;
	unsigned int attempts;
};

/* To an account; address and args may be NULL. Returns 0. */
int outbox_add(struct db *db, struct arena *arena, uint64_t account_id,
	       const char *template, const char *address, const char *args,
	       const char **error_r);

/* For the thread that sends. Takes the next mail that is due: nobody else gets
   it for lease_secs. Mails to accounts that are not active are dropped. Returns
   1, or 0 if none is due. */
int outbox_take(struct db *db, struct arena *arena, unsigned int lease_secs,
		struct outbox_mail *mail_r, const char **error_r);
/* It was sent, or can never be. Return 0. */
int outbox_sent(struct db *db, struct arena *arena, uint64_t id,
		const char **error_r);
/* To be tried again after delay_secs. */
int outbox_failed(struct db *db, struct arena *arena, uint64_t id,
		  unsigned int delay_secs, const char **error_r);
/* How many wait, for metrics. */
int outbox_count(struct db *db, struct arena *arena, uint64_t *waiting_r,
		 const char **error_r);

#endif
