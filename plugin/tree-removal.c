#include "lib.h"
#include "file-io.h"
#include "tree-removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each level holds a descriptor. Folders are not nested that deep. */
#define TREE_MAX_DEPTH 200
#define CALLBACK_INTERVAL 64
#define OVERWRITE_SIZE 4096

struct removal {
	const struct tree_removal *params;
	dev_t device;
	unsigned int count;
	const char *error;
};

static int removal_fail(struct removal *removal, const char *call,
			const char *path, const char *name)
{
	removal->error = t_strdup_printf("%s(%s/%s) failed: %m", call, path,
					 name);
	return -1;
}

static int remove_content(struct removal *removal, int fd, const char *path,
			  unsigned int depth);

static int remove_directory(struct removal *removal, int parent_fd,
			    const char *path, const char *name,
			    unsigned int depth)
{
	const char *inner = t_strconcat(path, "/", name, NULL);
	struct stat st;
	int fd, ret;

	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 :
			removal_fail(removal, "openat", path, name);
	if (fstat(fd, &st) < 0) {
		(void)removal_fail(removal, "fstat", path, name);
		i_close_fd(&fd);
		return -1;
	}
	if (st.st_dev != removal->device || depth >= TREE_MAX_DEPTH) {
		removal->error = t_strdup_printf(
			depth >= TREE_MAX_DEPTH ? "%s is nested too deep" :
			"another file system is mounted at %s", inner);
		i_close_fd(&fd);
		return -1;
	}
	ret = remove_content(removal, fd, inner, depth + 1);
	if (ret < 0)
		return -1;
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return removal_fail(removal, "rmdir", path, name);
	return 0;
}

static int remove_entry(struct removal *removal, int fd, const char *path,
			const char *name, unsigned int depth)
{
	const struct tree_removal *params = removal->params;

	if (params->callback != NULL &&
	    ++removal->count % CALLBACK_INTERVAL == 0 &&
	    !params->callback(params->context)) {
		removal->error = "it was told to end";
		return -1;
	}
	/* a link is removed, and not what it leads to */
	if (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* Linux says EISDIR of directories, POSIX EPERM */
	if (errno != EISDIR && errno != EPERM)
		return removal_fail(removal, "unlink", path, name);
	return remove_directory(removal, fd, path, name, depth);
}

static bool is_kept(const struct removal *removal, const char *name,
		    unsigned int depth)
{
	const char *const *keep = removal->params->keep;

	return depth == 0 && keep != NULL && str_array_find(keep, name);
}

/* Reads the directory anew until nothing is left: entries may be skipped where
   others are removed meanwhile. Closes fd. */
static int remove_content(struct removal *removal, int fd, const char *path,
			  unsigned int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	bool removed;
	int ret = 0;

	if (dir == NULL) {
		(void)removal_fail(removal, "fdopendir", path, "");
		i_close_fd(&fd);
		return -1;
	}
	do {
		removed = FALSE;
		rewinddir(dir);
		while (ret == 0 && (d = readdir(dir)) != NULL) {
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0 ||
			    is_kept(removal, d->d_name, depth))
				continue;
			T_BEGIN {
				ret = remove_entry(removal, fd, path,
						   d->d_name, depth);
			} T_END_PASS_STR_IF(ret < 0, &removal->error);
			removed = TRUE;
		}
	} while (ret == 0 && removed);
	if (ret == 0 && depth == 0 && fsync(fd) < 0)
		ret = removal_fail(removal, "fsync", path, "");
	if (closedir(dir) < 0 && ret == 0)
		ret = removal_fail(removal, "closedir", path, "");
	return ret;
}

int tree_removal_run(const char *path, const struct tree_removal *params,
		     const char **error_r)
{
	struct removal removal = { .params = params };
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		i_close_fd(&fd);
		return -1;
	}
	removal.device = st.st_dev;
	if (remove_content(&removal, fd, path, 0) < 0) {
		*error_r = removal.error;
		return -1;
	}
	if (params->keep != NULL || rmdir(path) == 0 || errno == ENOENT ||
	    errno == EACCES || errno == EPERM)
		return 0;
	*error_r = t_strdup_printf("rmdir(%s) failed: %m", path);
	return -1;
}

static int file_overwrite(int fd, uoff_t size)
{
	static const unsigned char zeros[OVERWRITE_SIZE];
	uoff_t offset;

	for (offset = 0; offset < size; offset += OVERWRITE_SIZE) {
		if (file_write_at(fd, zeros, OVERWRITE_SIZE, offset) < 0)
			return -1;
	}
	return fsync(fd);
}

int file_destroy(const char *path, const char **error_r)
{
	struct stat st;
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	/* of what cannot be written to, the name goes all the same */
	if (fd != -1) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_nlink == 1)
			ret = file_overwrite(fd, st.st_size);
		if (ret < 0)
			*error_r = t_strdup_printf("write(%s) failed: %m",
						   path);
		i_close_fd(&fd);
		if (ret < 0 && errno != ENOSPC && errno != EDQUOT)
			return -1;
	}
	if (unlink(path) < 0 && errno != ENOENT) {
		*error_r = t_strdup_printf("unlink(%s) failed: %m", path);
		return -1;
	}
	return 0;
}
