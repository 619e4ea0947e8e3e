#ifndef KEY_GUARD_H
#define KEY_GUARD_H

/* The key guard: refuses a session whose key password does not open the
   mailbox's keys. Such a session would read empty messages, and over POP3 let
   its client delete the real ones: IMAP cuts the connection at the first body,
   POP3 answers +OK and nothing.

   Needs the mail user only, no namespaces. To be called with the privileges of
   the mail user, once the mailbox lock is held, so that the answer stays true
   as long as the user lives. */

struct mail_user;

/* Returns 1 if the session may go on, 0 if it must be refused, which error_r
   explains to the admin, -1 if that cannot be told. */
int key_guard_check(struct mail_user *user, const char **error_r);

#endif
