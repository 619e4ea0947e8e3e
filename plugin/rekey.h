#ifndef REKEY_H
#define REKEY_H

/* The re-encryption of one user's stored mail: makes passes over the folders
   with several workers, with the mailbox in use, until every mail is under the
   active key of its folder; then, under the mailbox lock, a last pass and a
   proof that the mail opens with the keys as they are on the disk; then removes
   the folder keys that no mail needs any more.

   It can be stopped or killed at any moment: what is left to do follows from
   keys and mails. Only one such process works on a mailbox; a lock file in its
   home keeps others away. */

#define REKEY_LOCK_NAME "pymailadmin.rekey"

struct mail_user;
struct pymailadmin_settings;
struct rekey_shared;

struct rekey_params {
	struct event *event;
	const struct pymailadmin_settings *set;
	struct mail_user *user;
	const char *home, *base_dir;
	/* Opens the user key. */
	const char *key_password;
	struct rekey_shared *shared;
};

/* To be called in a process of its own, with the privileges of the mail user;
   it makes others and waits for them. The result is left in shared. */
void rekey_run(const struct rekey_params *params);

#endif
