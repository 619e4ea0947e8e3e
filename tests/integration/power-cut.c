/* Loaded before libc into "doveadm pymailadmin process", for tests of a power
   cut: logs in POWER_CUT_LOG what is done to the names and files below
   POWER_CUT_HOME and what is synced, keeps in POWER_CUT_GRAVES what loses its
   last name, and holds everybody up after POWER_CUT_AT operations (0: never).
   powercut.py then kills all and takes back what was not synced.

   Each operation and its log line are one step, under a lock that all
   processes share; only the sync calls are made outside of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 1024
#define LOG_FD_MIN 900
#define EXPORT __attribute__((visibility("default")))
#define REAL(result, name, ...) \
	static result (*real)(__VA_ARGS__); \
	if (real == NULL) \
		*(void **)&real = dlsym(RTLD_NEXT, name)

static const char *home, *graves, *log_path;
static int log_fd = -1;
static pid_t log_pid;
static long cut_at;
/* Files written to since they were opened or synced. */
static bool dirty[MAX_FDS];

static void open_log(void)
{
	int fd;

	if (log_fd != -1 && log_pid == getpid())
		return;
	/* A lock is its process's: a forked one needs its own descriptor. */
	fd = (int)openat(AT_FDCWD, log_path, O_RDWR | O_APPEND);
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD_MIN);
	if (log_fd == -1) {
		perror("power-cut");
		_exit(120);
	}
	close(fd);
	log_pid = getpid();
}

static bool active(void)
{
	static bool looked;

	if (!looked) {
		looked = true;
		/* The environment may be cleaned later. */
		if (getenv("POWER_CUT_HOME") == NULL)
			return false;
		home = strdup(getenv("POWER_CUT_HOME"));
		graves = strdup(getenv("POWER_CUT_GRAVES"));
		log_path = strdup(getenv("POWER_CUT_LOG"));
		cut_at = strtol(getenv("POWER_CUT_AT"), NULL, 10);
	}
	return home != NULL;
}

static void lock(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	open_log();
	while (fcntl(log_fd, F_SETLKW, &fl) < 0 && errno == EINTR)
		;
}

static void unlock(void)
{
	struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(log_fd, F_SETLK, &fl);
}

static ssize_t real_write(int fd, const void *data, size_t size)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	return real(fd, data, size);
}

/* All lines are as long: how many there are follows from the file's size. */
static void put(const char *what, unsigned long ino, const char *a,
		const char *b)
{
	static char line[4096];
	int length;

	length = snprintf(line, sizeof(line), "%s\t%lu\t%s\t%s", what, ino, a,
			  b == NULL ? "" : b);
	if (length < 0 || (size_t)length >= sizeof(line))
		_exit(121);
	memset(line + length, ' ', sizeof(line) - (size_t)length);
	line[sizeof(line) - 1] = '\n';
	if (real_write(log_fd, line, sizeof(line)) != sizeof(line))
		_exit(122);
	if (cut_at > 0 &&
	    lseek(log_fd, 0, SEEK_END) >= cut_at * (off_t)sizeof(line)) {
		/* with the lock: powercut.py kills all */
		for (;;)
			pause();
	}
}

/* Is it a file whose fate matters here? Dovecot's indexes, which it repairs
   and syncs by its own rules, are left alone, but for an mdbox's map. */
static bool ours(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t length = strlen(home);

	return strncmp(path, home, length) == 0 && path[length] == '/' &&
		(strncmp(name, "/dovecot.", 9) != 0 ||
		 strncmp(name, "/dovecot.map.index", 18) == 0) &&
		strncmp(name, "/dovecot-uid", 12) != 0 &&
		strstr(name, "/.lock") == NULL;
}

/* The absolute path of name in dir_fd. */
static const char *full(int dir_fd, const char *name, char *buffer)
{
	char link[64], dir[PATH_MAX];
	ssize_t length;

	if (name[0] == '/')
		return name;
	if (dir_fd == AT_FDCWD) {
		if (getcwd(dir, sizeof(dir)) == NULL)
			return "";
	} else {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
		length = readlink(link, dir, sizeof(dir) - 1);
		if (length < 0)
			return "";
		dir[length] = '\0';
	}
	if (snprintf(buffer, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return "";
	return buffer;
}

static unsigned long inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_ino;
}

static const char *new_grave(char *buffer)
{
	static unsigned int count;

	snprintf(buffer, PATH_MAX, "%s/%d.%u", graves, (int)getpid(), count++);
	return buffer;
}

/* ---- names */

static int real_renameat2(int from, const char *old, int to, const char *new,
			  unsigned int flags)
{
	REAL(int, "renameat2", int, const char *, int, const char *,
	     unsigned int);
	return real(from, old, to, new, flags);
}

/* What the rename would destroy is put aside instead. */
static int replace(const char *old, const char *new, const char **grave_r,
		   char *buffer)
{
	*grave_r = NULL;
	if (inode(old) == 0 || inode(old) == inode(new) ||
	    real_renameat2(AT_FDCWD, old, AT_FDCWD, new, RENAME_EXCHANGE) < 0)
		return real_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
	*grave_r = new_grave(buffer);
	return real_renameat2(AT_FDCWD, old, AT_FDCWD, *grave_r, 0);
}

EXPORT int renameat2(int from, const char *old, int to, const char *new,
		     unsigned int flags)
{
	char old_path[PATH_MAX], new_path[PATH_MAX], buffer[PATH_MAX];
	char names[2 * PATH_MAX];
	const char *a, *b, *grave = NULL;
	unsigned long ino;
	int ret;

	if (!active())
		return real_renameat2(from, old, to, new, flags);
	a = full(from, old, old_path);
	b = full(to, new, new_path);
	if (!ours(a) && !ours(b))
		return real_renameat2(from, old, to, new, flags);
	lock();
	ino = inode(a);
	if (flags == 0)
		ret = replace(a, b, &grave, buffer);
	else
		ret = real_renameat2(from, old, to, new, flags);
	if (ret == 0) {
		snprintf(names, sizeof(names), "%s\t%s", b,
			 grave == NULL ? "" : grave);
		put((flags & RENAME_EXCHANGE) != 0 ? "exchange" : "rename",
		    ino, a, names);
	}
	unlock();
	return ret;
}

EXPORT int renameat(int from, const char *old, int to, const char *new)
{
	return renameat2(from, old, to, new, 0);
}

EXPORT int rename(const char *old, const char *new)
{
	return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

EXPORT int linkat(int from, const char *old, int to, const char *new,
		  int flags)
{
	REAL(int, "linkat", int, const char *, int, const char *, int);
	char new_path[PATH_MAX];
	const char *path;
	int ret;

	if (!active() || !ours(path = full(to, new, new_path)))
		return real(from, old, to, new, flags);
	lock();
	ret = real(from, old, to, new, flags);
	if (ret == 0)
		put("link", inode(path), path, NULL);
	unlock();
	return ret;
}

EXPORT int link(const char *old, const char *new)
{
	return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

EXPORT int unlinkat(int dir_fd, const char *name, int flags)
{
	REAL(int, "unlinkat", int, const char *, int);
	char path_buffer[PATH_MAX], buffer[PATH_MAX];
	const char *path, *grave;
	unsigned long ino;
	int ret;

	if (!active() || !ours(path = full(dir_fd, name, path_buffer)))
		return real(dir_fd, name, flags);
	lock();
	ino = inode(path);
	grave = flags == 0 ? new_grave(buffer) : NULL;
	ret = grave == NULL ? real(dir_fd, name, flags) :
		real_renameat2(AT_FDCWD, path, AT_FDCWD, grave, 0);
	if (ret == 0)
		put(grave == NULL ? "rmdir" : "unlink", ino, path, grave);
	unlock();
	return ret;
}

EXPORT int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

EXPORT int rmdir(const char *name)
{
	return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

EXPORT int mkdirat(int dir_fd, const char *name, mode_t mode)
{
	REAL(int, "mkdirat", int, const char *, mode_t);
	char buffer[PATH_MAX];
	const char *path;
	int ret;

	if (!active() || !ours(path = full(dir_fd, name, buffer)))
		return real(dir_fd, name, mode);
	lock();
	ret = real(dir_fd, name, mode);
	if (ret == 0)
		put("mkdir", inode(path), path, NULL);
	unlock();
	return ret;
}

EXPORT int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

/* ---- files */

static int real_openat(int dir_fd, const char *name, int flags, mode_t mode)
{
	REAL(int, "openat64", int, const char *, int, ...);
	return real(dir_fd, name, flags, mode);
}

static int watch_open(int dir_fd, const char *name, int flags, mode_t mode)
{
	char buffer[PATH_MAX];
	const char *path;
	bool there;
	int fd;

	if (!active() || (flags & O_CREAT) == 0 ||
	    (flags & O_TMPFILE) == O_TMPFILE ||
	    !ours(path = full(dir_fd, name, buffer))) {
		fd = real_openat(dir_fd, name, flags, mode);
		if (fd >= 0 && fd < MAX_FDS)
			dirty[fd] = false;
		return fd;
	}
	lock();
	there = inode(path) != 0;
	fd = real_openat(dir_fd, name, flags, mode);
	if (fd >= 0 && fd < MAX_FDS)
		dirty[fd] = false;
	if (fd >= 0 && !there)
		put("create", inode(path), path, NULL);
	else if (fd >= 0 && (flags & O_TRUNC) != 0)
		put("write", inode(path), path, NULL);
	unlock();
	return fd;
}

#define MODE(flags, mode) \
	do { \
		mode = 0; \
		if (((flags) & O_CREAT) != 0 || \
		    ((flags) & O_TMPFILE) == O_TMPFILE) { \
			va_list args; \
			va_start(args, flags); \
			mode = va_arg(args, mode_t); \
			va_end(args); \
		} \
	} while (0)

EXPORT int open(const char *name, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return watch_open(AT_FDCWD, name, flags, mode);
}

EXPORT int open64(const char *name, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return watch_open(AT_FDCWD, name, flags, mode);
}

EXPORT int openat(int dir_fd, const char *name, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return watch_open(dir_fd, name, flags, mode);
}

EXPORT int openat64(int dir_fd, const char *name, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return watch_open(dir_fd, name, flags, mode);
}

/* The first write after opening or syncing: what follows is not safe. */
static void written(int fd)
{
	char link[64], path[PATH_MAX];
	struct stat st;
	ssize_t length;

	if (fd < 0 || fd >= MAX_FDS || dirty[fd] || !active())
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	path[length] = '\0';
	dirty[fd] = true;
	if (!ours(path))
		return;
	lock();
	put("write", st.st_ino, path, NULL);
	unlock();
}

#define WATCHED(result, name, parameters, arguments) \
	EXPORT result name parameters \
	{ \
		static result (*real) parameters; \
		int saved_errno; \
		if (real == NULL) \
			*(void **)&real = dlsym(RTLD_NEXT, #name); \
		result ret = real arguments; \
		saved_errno = errno; \
		written(fd); \
		errno = saved_errno; \
		return ret; \
	}

WATCHED(ssize_t, write, (int fd, const void *data, size_t size),
	(fd, data, size))
WATCHED(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at),
	(fd, data, size, at))
WATCHED(ssize_t, pwrite64, (int fd, const void *data, size_t size, off_t at),
	(fd, data, size, at))
WATCHED(ssize_t, writev, (int fd, const struct iovec *data, int count),
	(fd, data, count))
WATCHED(ssize_t, pwritev,
	(int fd, const struct iovec *data, int count, off_t at),
	(fd, data, count, at))
WATCHED(ssize_t, pwritev64,
	(int fd, const struct iovec *data, int count, off_t at),
	(fd, data, count, at))
WATCHED(int, ftruncate, (int fd, off_t size), (fd, size))
WATCHED(int, ftruncate64, (int fd, off_t size), (fd, size))
WATCHED(ssize_t, sendfile, (int fd, int in, off_t *at, size_t size),
	(fd, in, at, size))
WATCHED(ssize_t, sendfile64, (int fd, int in, off_t *at, size_t size),
	(fd, in, at, size))

/* ---- what makes them last */

/* dirty[] is cleared before: a write meanwhile would not be covered. */
static int synced(int fd, int (*sync_fd)(int))
{
	char link[64], path[PATH_MAX], size[32];
	struct stat st;
	ssize_t length;
	int ret;

	if (!active())
		return sync_fd(fd);
	/* of all: it may be open more than once */
	memset(dirty, 0, sizeof(dirty));
	ret = sync_fd(fd);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (ret < 0 || length <= 0 || fstat(fd, &st) < 0)
		return ret;
	path[length] = '\0';
	lock();
	snprintf(size, sizeof(size), "%lld", (long long)st.st_size);
	put(S_ISDIR(st.st_mode) ? "syncdir" : "sync", st.st_ino, path, size);
	unlock();
	return ret;
}

EXPORT int fsync(int fd)
{
	REAL(int, "fsync", int);
	return synced(fd, real);
}

EXPORT int fdatasync(int fd)
{
	REAL(int, "fdatasync", int);
	return synced(fd, real);
}

EXPORT int syncfs(int fd)
{
	REAL(int, "syncfs", int);
	int ret = active() ? (lock(), real(fd)) : real(fd);

	if (!active())
		return ret;
	if (ret == 0)
		put("syncall", 0, "", NULL);
	unlock();
	return ret;
}
