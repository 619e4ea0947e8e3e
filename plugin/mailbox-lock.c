#include "lib.h"
#include "str.h"
#include "strnum.h"
#include "istream.h"
#include "mkdir-parents.h"
#include "sleep.h"
#include "monotonic-time.h"
#include "mailbox-lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAILBOX_LOCK_POLL_MSECS 10
#define PROC_LOCKS_PATH "/proc/locks"

struct mailbox_lock {
	char *path;
	int gate_fd;
	int fd;
};

/* The files cannot be made here: a matter of the home, not of the lock. */
static bool errno_is_about_home(int err)
{
	return err == EACCES || err == EROFS || err == ENOENT ||
		err == ENOTDIR || err == ENOSPC || err == EDQUOT;
}

/* Returns 1 if opened, 0 if the home does not let it be made, -1 on other
   errors. */
static int lock_file_open(const char *path, int *fd_r, const char **error_r)
{
	const int flags = O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	int fd, open_errno;

	/* O_RDWR, since NFS makes byte range locks of flock() */
	fd = open(path, O_RDWR | flags, 0600);
	if (fd == -1 && errno == EROFS)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1) {
		open_errno = errno;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return errno_is_about_home(open_errno) ? 0 : -1;
	}
	*fd_r = fd;
	return 1;
}

/* Returns 1 if made, 0 if it was there or cannot be made, -1 on other
   errors. */
static int home_make(const char *home, const char **error_r)
{
	int make_errno;

	if (access(home, F_OK) == 0 || errno != ENOENT)
		return 0;
	if (mkdir_parents(home, 0700) == 0)
		return 1;
	make_errno = errno;
	*error_r = t_strdup_printf("mkdir_parents(%s) failed: %m", home);
	return make_errno == EEXIST || errno_is_about_home(make_errno) ? 0 : -1;
}

static const char *process_name(const char *pid)
{
	const char *path = t_strdup_printf("/proc/%s/comm", pid), *line;
	struct istream *input = i_stream_create_file(path, 1024);

	line = t_strdup(i_stream_read_next_line(input));
	i_stream_destroy(&input);
	return line != NULL ? line : "gone";
}

/* Who holds the file, from proc_locks(5): the fields are a number, the type,
   the mode, READ or WRITE, the process and device:inode. */
static const char *lock_holders(int fd)
{
	struct istream *input;
	const char *line, *const *fields, *inode;
	string_t *str = t_str_new(128);
	struct stat st;
	uintmax_t num;

	if (fstat(fd, &st) < 0)
		return t_strdup_printf("fstat() failed: %m");
	input = i_stream_create_file(PROC_LOCKS_PATH, IO_BLOCK_SIZE);
	while ((line = i_stream_read_next_line(input)) != NULL) {
		fields = t_strsplit_spaces(line, " ");
		/* "->" instead of the type: waits for it */
		if (str_array_length(fields) < 6 ||
		    strcmp(fields[1], "FLOCK") != 0)
			continue;
		inode = strrchr(fields[5], ':');
		if (inode == NULL || str_to_uintmax(inode + 1, &num) < 0 ||
		    num != (uintmax_t)st.st_ino)
			continue;
		if (strcmp(fields[4], dec2str(getpid())) == 0)
			continue;
		if (str_len(str) > 0)
			str_append(str, ", ");
		str_printfa(str, "%s (process %s)",
			    process_name(fields[4]), fields[4]);
	}
	i_stream_destroy(&input);
	return str_len(str) > 0 ? str_c(str) : "an unknown process";
}

/* Returns 1 if taken, 0 if not until the deadline, -1 on error. */
static int flock_until(int fd, int operation, const char *path,
		       uint64_t deadline_msecs,
		       mailbox_lock_wait_callback_t *callback, void *context,
		       const char **error_r)
{
	uint64_t now, next_kick = 0;

	for (;;) {
		if (flock(fd, operation | LOCK_NB) == 0)
			return 1;
		if (errno != EWOULDBLOCK && errno != EINTR) {
			*error_r = t_strdup_printf("flock(%s) failed: %m",
						   path);
			return -1;
		}
		now = monotonic_time_msecs();
		if (now >= deadline_msecs)
			return 0;
		if (callback != NULL && now >= next_kick) {
			callback(context);
			next_kick = now + MAILBOX_LOCK_KICK_MSECS;
		} else {
			i_sleep_msecs(MAILBOX_LOCK_POLL_MSECS);
		}
	}
}

/* Returns 1 if taken, 0 if not until the deadline, -1 on error. */
static int mailbox_lock_take(struct mailbox_lock *lock, int fd, int operation,
			     uint64_t deadline_msecs,
			     mailbox_lock_wait_callback_t *callback,
			     void *context, const char **error_r)
{
	int ret;

	ret = flock_until(fd, operation, lock->path, deadline_msecs, callback,
			  context, error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf("%s is held by %s", lock->path,
					   lock_holders(fd));
	}
	return ret;
}

static struct mailbox_lock *mailbox_lock_new(const char *home)
{
	struct mailbox_lock *lock = i_new(struct mailbox_lock, 1);

	lock->path = i_strconcat(home, "/"MAILBOX_LOCK_NAME, NULL);
	lock->gate_fd = lock->fd = -1;
	return lock;
}

/* Whoever deletes the mailbox holds the gate exclusively until its rows are
   gone: what the callback says holds until the lock file is there. */
static int mailbox_lock_open_asked(struct mailbox_lock *lock,
				   mailbox_lock_owner_callback_t *callback,
				   void *context, bool *unusable_r,
				   const char **error_r)
{
	int ret;

	if (callback != NULL && access(lock->path, F_OK) < 0 &&
	    errno == ENOENT) {
		ret = callback(context, error_r);
		if (ret <= 0)
			return ret;
	}
	ret = lock_file_open(lock->path, &lock->fd, error_r);
	*unusable_r = ret == 0;
	return ret;
}

static int mailbox_lock_enter(struct mailbox_lock *lock, const char *gate_path,
			      uint64_t deadline_msecs,
			      mailbox_lock_owner_callback_t *callback,
			      void *context, bool *unusable_r,
			      const char **error_r)
{
	struct stat st;
	int ret;

	ret = lock_file_open(gate_path, &lock->gate_fd, error_r);
	if (ret <= 0) {
		*unusable_r = ret == 0;
		return ret;
	}
	ret = mailbox_lock_take(lock, lock->gate_fd, LOCK_SH, deadline_msecs,
				NULL, NULL, error_r);
	if (ret > 0)
		ret = mailbox_lock_open_asked(lock, callback, context,
					      unusable_r, error_r);
	if (ret > 0)
		ret = mailbox_lock_take(lock, lock->fd, LOCK_SH,
					deadline_msecs, NULL, NULL, error_r);
	if (ret <= 0)
		return ret;
	/* who held it has deleted the mailbox: nobody is to make it again */
	if (fstat(lock->fd, &st) < 0 || st.st_nlink == 0) {
		*error_r = t_strdup_printf("%s is gone", lock->path);
		return 0;
	}
	i_close_fd(&lock->gate_fd);
	return 1;
}

int mailbox_lock_join(const char *home, bool create_home,
		      unsigned int wait_msecs,
		      mailbox_lock_owner_callback_t *callback, void *context,
		      struct mailbox_lock **lock_r, const char **error_r)
{
	const char *gate_path = t_strconcat(home, "/"MAILBOX_GATE_NAME, NULL);
	const uint64_t deadline = monotonic_time_msecs() + wait_msecs;
	bool home_made = FALSE, unusable = FALSE;
	struct mailbox_lock *lock;
	int ret;

	if (create_home) {
		ret = home_make(home, error_r);
		if (ret < 0)
			return -1;
		home_made = ret > 0;
	}
	lock = mailbox_lock_new(home);
	ret = mailbox_lock_enter(lock, gate_path, deadline, callback, context,
				 &unusable, error_r);
	if (ret > 0) {
		*lock_r = lock;
		return 1;
	}
	mailbox_lock_free(&lock);
	if (unusable) {
		*lock_r = NULL;
		return 1;
	}
	if (home_made) {
		i_unlink_if_exists(gate_path);
		/* somebody else may be in it by now */
		(void)rmdir(home);
	}
	return ret;
}

int mailbox_lock_shared(const char *home, bool create_home,
			unsigned int wait_msecs, struct mailbox_lock **lock_r,
			const char **error_r)
{
	return mailbox_lock_join(home, create_home, wait_msecs, NULL, NULL,
				 lock_r, error_r);
}

/* Nobody has ever locked it, though there is a home. Returns 1 if so, 0 if not,
   -1 if that cannot be told. */
static int lock_is_missing(const char *home, const char *path,
			   const char **error_r)
{
	if (access(home, F_OK) < 0 || access(path, F_OK) == 0)
		return 0;
	if (errno == ENOENT)
		return 1;
	*error_r = t_strdup_printf("access(%s) failed: %m", path);
	return -1;
}

int mailbox_lock_exclusive(const char *home, unsigned int wait_msecs,
			   mailbox_lock_wait_callback_t *callback,
			   void *context, struct mailbox_lock **lock_r,
			   const char **error_r)
{
	const char *gate_path = t_strconcat(home, "/"MAILBOX_GATE_NAME, NULL);
	const uint64_t deadline = monotonic_time_msecs() + wait_msecs;
	struct mailbox_lock *lock = mailbox_lock_new(home);
	const int missing = lock_is_missing(home, lock->path, error_r);
	int ret;

	/* Sessions from before may go on without the lock. They are told to go
	   before the files are made, so that files that are there say that it
	   has been done. */
	if (missing > 0 && callback != NULL)
		callback(context);
	if (missing < 0 ||
	    lock_file_open(gate_path, &lock->gate_fd, error_r) <= 0 ||
	    lock_file_open(lock->path, &lock->fd, error_r) <= 0)
		ret = -1;
	else if (missing > 0) {
		*error_r = t_strdup_printf("%s has just been made; sessions "
			"from before are told to end", lock->path);
		ret = 0;
	} else {
		ret = mailbox_lock_take(lock, lock->gate_fd, LOCK_EX, deadline,
					NULL, NULL, error_r);
		if (ret > 0)
			ret = mailbox_lock_take(lock, lock->fd, LOCK_EX,
						deadline, callback, context,
						error_r);
	}
	if (ret <= 0) {
		mailbox_lock_free(&lock);
		return ret;
	}
	*lock_r = lock;
	return 1;
}

void mailbox_lock_free(struct mailbox_lock **_lock)
{
	struct mailbox_lock *lock = *_lock;

	if (lock == NULL)
		return;
	*_lock = NULL;

	i_close_fd(&lock->fd);
	i_close_fd(&lock->gate_fd);
	i_free(lock->path);
	i_free(lock);
}
