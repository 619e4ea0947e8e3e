#ifndef MAILBOX_REMOVAL_H
#define MAILBOX_REMOVAL_H

/* The end of a mailbox: its keys, its mail, its home. What is looked at before
   anything is destroyed, and then each step, which can be interrupted and
   repeated. One thread, with the privileges of the mail user, under the mailbox
   lock.

   Paths come from Dovecot's configuration, which may give several users the
   same one: nothing is removed as a whole unless its path has the user's name
   in it and the user owns it. A home is given as path_plain() makes it. */

struct mail_user;
struct tree_removal;

/* May the home, which need not be there, be removed? Returns 1, or 0 and why
   not. */
int mailbox_removal_check_home(const char *home, const char *username,
			       const char **error_r);
/* Are all keys where they can be destroyed? Returns 1, 0 and why not, -1 on
   error. */
int mailbox_removal_check_keys(struct mail_user *user, const char *home,
			       const char **error_r);

/* All keys, wrapped with whatever, and the journal of an interrupted change.
   Returns 0, -1 on error. */
int mailbox_removal_destroy_keys(struct mail_user *user, const char *home,
				 const char **error_r);
/* All folders and what they hold through Dovecot's storage, then what it leaves
   outside of the home: indexes, alternative storage. What Dovecot cannot delete
   inside of the home is left to mailbox_removal_run_home(). Returns 0, -1 on
   error. */
int mailbox_removal_delete_mail(struct mail_user *user, const char *home,
				const struct tree_removal *params,
				const char **error_r);
/* From now on nobody gets in, whether or not the lock is held: marks the home.
   Returns 0, -1 on error. */
int mailbox_removal_close_home(const char *home, const char **error_r);
/* What is in the home but for the mark and the lock. Returns 0, -1 on error. */
int mailbox_removal_run_home(const char *home,
			     const struct tree_removal *params,
			     const char **error_r);
/* Mark, lock and home, once nobody can be told by them any more. With any
   privileges: nothing but these names is removed. Returns 0, -1 on error. */
int mailbox_removal_end_home(const char *home, const char **error_r);

/* Without empty parts, as with a home that ends in a slash; of / nothing is
   left. */
const char *path_plain(const char *path);
/* Is one path, as path_plain() makes it, inside of the other, or the same? */
bool path_is_inside(const char *path, const char *dir);

#endif
