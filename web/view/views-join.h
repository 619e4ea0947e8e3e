#ifndef VIEWS_JOIN_H
#define VIEWS_JOIN_H

/* Views for people who ask for an account, and for moderators who decide. */

#include "view-frame.h"

/* POST /register: email, new, repeat, reason, code. */
struct view_register {
	/* As typed. */
	const char *email, *reason, *code;
	/* Nobody comes without one. */
	bool wants_code;
	/* What the administrator wants to be told; NULL: ours. */
	const char *text;
	unsigned int reason_max, password_min;
};
void view_register(struct buffer *out, const struct view_frame *frame,
		   const struct view_register *v);

/* The answer, the same for known and unknown addresses. */
struct view_register_sent {
	const char *email;
	uint64_t valid_secs;
};
void view_register_sent(struct buffer *out, const struct view_frame *frame,
			const struct view_register_sent *v);

/* POST /register/confirm: token. */
struct view_register_confirm {
	const char *token;
	const char *email, *reason, *network;
	uint64_t asked;
};
void view_register_confirm(struct buffer *out, const struct view_frame *frame,
			   const struct view_register_confirm *v);

struct view_register_confirmed {
	/* There is one already: nothing is to be waited for. */
	bool has_account;
};
void view_register_confirmed(struct buffer *out,
			     const struct view_frame *frame,
			     const struct view_register_confirmed *v);

/* The link is too old, was used, or never was one. */
struct view_register_expired {
	uint64_t valid_secs;
};
void view_register_expired(struct buffer *out, const struct view_frame *frame,
			   const struct view_register_expired *v);

/* Somebody who waits for an answer. */
struct view_applicant {
	const char *email, *reason, *network;
	uint64_t waits_secs;
	/* Who made the code, and the note on it; NULL without a code. */
	const char *invited_by, *invitation_note;
};

struct view_application {
	const char *id;
	struct view_applicant applicant;
};

/* GET /moderation. after is its query. */
struct view_moderation {
	const struct view_application *applications;
	unsigned int applications_count;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_moderation(struct buffer *out, const struct view_frame *frame,
		     const struct view_moderation *v);

/* What can be given: the box "domain-0" and so on, or, where there are too many
   for that, also by name in the field "domains". */
struct view_domain_choice {
	const char *name;
	bool is_chosen;
};

/* POST /moderation/accept: id, domain-*, domains, max-mailboxes, max-aliases;
   POST /moderation/decline: id, message. */
struct view_moderation_answer {
	const char *id;
	struct view_applicant applicant;
	const struct view_domain_choice *domains;
	unsigned int domains_count;
	bool has_more_domains;
	/* As typed. */
	const char *more_domains, *max_mailboxes, *max_aliases, *message;
	/* What counts if the fields are empty. */
	unsigned int default_mailboxes, default_aliases;
	unsigned int message_max;
};
void view_moderation_answer(struct buffer *out, const struct view_frame *frame,
			    const struct view_moderation_answer *v);

struct view_moderation_done {
	enum {
		VIEW_MODERATION_ACCEPTED,
		VIEW_MODERATION_DECLINED,
		/* Nobody is told. */
		VIEW_MODERATION_DROPPED,
		/* Somebody else was faster. */
		VIEW_MODERATION_GONE
	} what;
	/* NULL if it is gone. */
	const char *email;
};
void view_moderation_done(struct buffer *out, const struct view_frame *frame,
			  const struct view_moderation_done *v);

struct view_invitation {
	const char *id;
	/* NULL without; domains: names with a space between, or NULL. */
	const char *note, *maker, *domains;
	unsigned int uses, used;
	uint64_t expires;
};

/* POST /moderation/invitations: note, uses, days, domain-*, domains;
   POST /moderation/invitations/end: id. */
struct view_invitations {
	const struct view_invitation *invitations;
	unsigned int invitations_count;
	/* The code that was just made, and the page it is for: shown once. */
	const char *code, *url;
	const struct view_domain_choice *domains;
	unsigned int domains_count;
	bool has_more_domains;
	/* As typed. */
	const char *more_domains, *note, *uses, *days;
	unsigned int uses_max, days_max;
};
void view_invitations(struct buffer *out, const struct view_frame *frame,
		      const struct view_invitations *v);

#endif
