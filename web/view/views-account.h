#ifndef VIEWS_ACCOUNT_H
#define VIEWS_ACCOUNT_H

/* Views of one's own account. */

#include "view-frame.h"

enum view_role {
	VIEW_ROLE_USER,
	VIEW_ROLE_ADMIN,
	VIEW_ROLE_SUPER_ADMIN
};

/* GET /account */
struct view_account {
	const char *email;
	enum view_role role;
	bool has_two_factor;
	/* Its role has to have it. */
	bool is_two_factor_required;
	unsigned int backup_codes_left;
	unsigned int sessions;
	uint64_t password_changed;
};
void view_account(struct buffer *out, const struct view_frame *frame,
		  const struct view_account *v);

/* POST /account/password: old, new, repeat. */
struct view_account_password {
	const char *email;
	unsigned int password_min;
};
void view_account_password(struct buffer *out, const struct view_frame *frame,
			   const struct view_account_password *v);

struct view_session {
	/* For the form: not what the cookie holds. */
	const char *id;
	uint64_t begun, seen;
	/* Browser and address, if they are known. */
	const char *browser, *address;
	bool is_this;
};

/* POST /account/sessions/end: id, or all=1 for all others. */
struct view_account_sessions {
	const struct view_session *sessions;
	unsigned int sessions_count;
	uint64_t idle_secs, lifetime_secs;
};
void view_account_sessions(struct buffer *out, const struct view_frame *frame,
			   const struct view_account_sessions *v);

/* POST /account/two-factor: code, password. */
struct view_two_factor {
	/* Base32, in groups of four. */
	const char *secret;
	/* The QR code, from view_qr_path(), and how wide and high it is. */
	const char *qr_path;
	unsigned int qr_size;
	/* May not be put off. */
	bool is_required;
};
void view_two_factor(struct buffer *out, const struct view_frame *frame,
		     const struct view_two_factor *v);

/* GET /account/two-factor when it is on. POST /account/two-factor: off=1,
   off-password. POST /account/backup-codes: password. */
struct view_two_factor_on {
	uint64_t since;
	unsigned int backup_codes_left;
	bool is_required;
};
void view_two_factor_on(struct buffer *out, const struct view_frame *frame,
			const struct view_two_factor_on *v);

/* Shown once. */
struct view_backup_codes {
	const char *email;
	const char *const *codes;
	unsigned int codes_count;
	uint64_t now;
};
void view_backup_codes(struct buffer *out, const struct view_frame *frame,
		       const struct view_backup_codes *v);

#define VIEW_QR_MARGIN 4
/* The path of an SVG image that is width + 2 * VIEW_QR_MARGIN wide and high:
   the dark modules of a QR code of width modules by width, one byte each, row
   by row, the lowest bit set if it is dark, as libqrencode has them. */
void view_qr_path(struct buffer *out, const unsigned char *qr,
		  unsigned int width);

#endif
