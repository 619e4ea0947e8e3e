#ifndef LIVE_LOGIN_H
#define LIVE_LOGIN_H

/* A login to the running Dovecot, as imap-login and imap do it, up to what the
   session is handed. All that is secret is wiped on every way out. */

enum live_login_result {
	/* The session gets this key password. */
	LIVE_LOGIN_SAME,
	/* It gets another one, or none at all. */
	LIVE_LOGIN_DIFFERENT,
	LIVE_LOGIN_NONE,
	/* The login is refused; error_r says why. */
	LIVE_LOGIN_REFUSED
};

/* Compares the key password a session would be handed with this one. Returns 0
   and the result, or -1 on error. */
int live_login_compare(const char *base_dir, const char *username,
		       const char *password, const char *key_password,
		       enum live_login_result *result_r, const char **error_r);

#endif
