#ifndef PASSWORD_HASH_H
#define PASSWORD_HASH_H

/* Password hashes as the users table has them, through Dovecot's own schemes,
   so that what verifies here verifies at a login. */

/* Loads the schemes. Returns 0, or -1 in a binary that does not have them:
   doveadm does, doveadm-server does not. */
int password_hash_init(const char **error_r);

/* Could a client log in with it? Dovecot refuses logins with control characters
   in the password. */
bool password_hash_is_usable_password(const char *password);

/* Returns 1 if the hash is of the password, 0 if not, -1 if it cannot be
   verified: an unknown scheme or a malformed hash. A hash without {SCHEME} is
   taken for what its "$id$" says. */
int password_hash_verify(const char *hash, const char *username,
			 const char *password, const char **error_r);

/* A new hash with its {SCHEME}. Returns 0, or -1 if the scheme is unknown. */
int password_hash_generate(const char *scheme, const char *username,
			   const char *password, const char **hash_r,
			   const char **error_r);

/* Returns 1 if the scheme is one to make hashes with, 0 if its hashes are
   quickly guessed, -1 if it cannot be used. */
int password_hash_check_scheme(const char *scheme, const char **error_r);

#endif
