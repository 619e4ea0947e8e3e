#ifndef VIEWS_LOGIN_H
#define VIEWS_LOGIN_H

/* Views for people who are not logged in. */

#include "view-frame.h"

/* POST /login: email, password. */
struct view_login {
	/* As typed. */
	const char *email;
	/* Who has no account may ask for one. */
	bool can_register;
};
void view_login(struct buffer *out, const struct view_frame *frame,
		const struct view_login *v);

/* POST /login/code: code, of an app or a backup code. */
struct view_login_code {
	/* Who logs in. */
	const char *email;
};
void view_login_code(struct buffer *out, const struct view_frame *frame,
		     const struct view_login_code *v);

/* POST /password/forgotten: email. */
struct view_password_forgotten {
	const char *email;
};
void view_password_forgotten(struct buffer *out, const struct view_frame *frame,
			     const struct view_password_forgotten *v);

/* The answer, the same for known and unknown accounts. */
struct view_password_forgotten_sent {
	const char *email;
	/* How long the link in the mail works. */
	uint64_t valid_secs;
};
void view_password_forgotten_sent(struct buffer *out,
				  const struct view_frame *frame,
				  const struct view_password_forgotten_sent *v);

/* POST /password/reset: token, new, repeat. */
struct view_password_reset {
	const char *token;
	const char *email;
	unsigned int password_min;
};
void view_password_reset(struct buffer *out, const struct view_frame *frame,
			 const struct view_password_reset *v);

/* The link is too old, was used, or never was one. */
struct view_password_reset_expired {
	uint64_t valid_secs;
};
void view_password_reset_expired(struct buffer *out,
				 const struct view_frame *frame,
				 const struct view_password_reset_expired *v);

#endif
