#ifndef KEY_PASSWORD_H
#define KEY_PASSWORD_H

/* The key password of a mailbox: what its user keys are wrapped with. The only
   place that knows how it comes from the login password; it must say what the
   admin's passdb says in userdb_crypt_user_key_password. */

struct pymailadmin_settings;

/* Appends the key password to dest, which should be of a clean pool. Returns
   0, or -1 if pymailadmin_key_password is bad; error_r holds no secret. */
int key_password_derive(const struct pymailadmin_settings *set,
			const char *username, const char *login_password,
			string_t *dest, const char **error_r);

#endif
