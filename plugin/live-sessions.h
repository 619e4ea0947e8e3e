#ifndef LIVE_SESSIONS_H
#define LIVE_SESSIONS_H

/* What the running Dovecot knows of a user: ending the user's sessions through
   anvil, and forgetting the user's entries of the auth cache. If Dovecot does
   not run, there is neither, and that is no error; an auth socket that is
   missing while anvil is there is one.

   Works also while privileges are dropped temporarily. One thread. */

/* End the user's sessions, as doveadm kick does. Deliveries and doveadm
   commands are not reached. Returns 0 and the number of sessions told to go,
   or -1 on error. */
int live_sessions_kick(const char *base_dir, const char *username,
		       unsigned int *count_r, const char **error_r);

/* Forget what the auth cache has of the user. Not doveadm's own code, which
   reports success also when it could not connect. Returns 0 and the number of
   entries, or -1 on error. */
int live_sessions_flush_auth_cache(const char *base_dir, const char *username,
				   unsigned int *count_r, const char **error_r);

#endif
