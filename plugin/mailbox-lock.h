#ifndef MAILBOX_LOCK_H
#define MAILBOX_LOCK_H

/* The mailbox lock: keeps every mail process out of a mailbox while its keys
   and its hash are being changed. Two files in the mailbox's home, flock()ed:

   pymailadmin.gate is taken in passing by everyone, first.
   pymailadmin.lock is held shared by mail processes as long as their mail user
   lives, exclusively by whoever changes keys.

   Linux's flock() lets a new shared holder overtake a waiting exclusive one;
   whoever changes keys holds the gate while waiting for the lock, so that only
   those already inside are waited for. The files are unlinked only with the
   mailbox: two inodes would be two locks. Who finds none may be late: a mail
   whose recipient was accepted before the mailbox was deleted.

   flock() and not fcntl(), whose locks of a process vanish when it closes any
   descriptor of the file: one process may hold several users.

   pymailadmin.deletion is there while the mailbox is being destroyed, also while
   nobody works on that: nobody else gets in.

   To be called with the privileges of the mail user. One thread. */

#define MAILBOX_GATE_NAME "pymailadmin.gate"
#define MAILBOX_LOCK_NAME "pymailadmin.lock"
#define MAILBOX_DELETION_NAME "pymailadmin.deletion"

struct mailbox_lock;

/* Called while waiting, about every MAILBOX_LOCK_KICK_MSECS, first at once. */
typedef void mailbox_lock_wait_callback_t(void *context);
#define MAILBOX_LOCK_KICK_MSECS 500

/* Is there such a mailbox, still? Returns 1 if so, 0 if not, -1 if that cannot
   be said. Called with the gate held: nobody deletes it meanwhile. */
typedef int mailbox_lock_owner_callback_t(void *context, const char **error_r);

/* Take the lock of the mailbox at home shared, waiting up to wait_msecs. A
   missing home is made if create_home is set. Returns 1 if taken, 0 if
   somebody changes the mailbox's keys (error_r says who) or has deleted it
   meanwhile, -1 on other errors.
   If the home does not let the files be made (now), nobody can take the lock
   exclusively: returns 1 with *lock_r = NULL. */
int mailbox_lock_shared(const char *home, bool create_home,
			unsigned int wait_msecs, struct mailbox_lock **lock_r,
			const char **error_r);
/* The same for whoever may come after the mailbox was deleted. Where there is no
   lock file, the callback is asked before it is made; unless it returns 1, so
   does this, with its answer, and leaves no home that was not there. */
int mailbox_lock_join(const char *home, bool create_home,
		      unsigned int wait_msecs,
		      mailbox_lock_owner_callback_t *callback, void *context,
		      struct mailbox_lock **lock_r, const char **error_r);
/* Take the lock exclusively. The callback is to make the holders go away.
   Returns 1 if taken, 0 if holders stayed (error_r names them) or may be there
   without the lock, because the files did not exist: the callback is called
   then, and the next attempt may succeed. -1 on other errors, also when the
   files cannot be made; a home is not made. */
int mailbox_lock_exclusive(const char *home, unsigned int wait_msecs,
			   mailbox_lock_wait_callback_t *callback,
			   void *context, struct mailbox_lock **lock_r,
			   const char **error_r);
/* Gives the lock back; *lock may be NULL. */
void mailbox_lock_free(struct mailbox_lock **lock);

#endif
