#include "lib.h"
#include "write-full.h"
#include "file-sync.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *parent_directory(const char *path)
{
	const char *p = strrchr(path, '/');

	if (p == NULL)
		return ".";
	return p == path ? "/" : t_strdup_until(path, p);
}

static int path_sync(const char *path, int flags, const char **error_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags), ret = 0;

	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	if (fsync(fd) < 0) {
		*error_r = t_strdup_printf("fsync(%s) failed: %m", path);
		ret = -1;
	}
	i_close_fd(&fd);
	return ret;
}

int file_sync_with_directory(const char *path, const char **error_r)
{
	if (path_sync(path, 0, error_r) < 0)
		return -1;
	return file_sync_name(path, error_r);
}

int file_sync_name(const char *path, const char **error_r)
{
	return path_sync(parent_directory(path), O_DIRECTORY, error_r);
}

static int file_write_synced(const char *path, const void *data, size_t size,
			     const char **error_r)
{
	int fd, ret = 0;

	/* left behind by a crash; its name is ours alone under the lock */
	i_unlink_if_exists(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd == -1) {
		*error_r = t_strdup_printf("creat(%s) failed: %m", path);
		return -1;
	}
	if (write_full(fd, data, size) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		ret = -1;
	} else if (fsync(fd) < 0) {
		*error_r = t_strdup_printf("fsync(%s) failed: %m", path);
		ret = -1;
	}
	if (close(fd) < 0 && ret == 0) {
		*error_r = t_strdup_printf("close(%s) failed: %m", path);
		ret = -1;
	}
	return ret;
}

int file_replace_synced(const char *path, const void *data, size_t size,
			const char **error_r)
{
	const char *temp_path = t_strconcat(path, ".tmp", NULL);

	if (file_write_synced(temp_path, data, size, error_r) < 0) {
		i_unlink_if_exists(temp_path);
		return -1;
	}
	if (rename(temp_path, path) < 0) {
		*error_r = t_strdup_printf("rename(%s, %s) failed: %m",
					   temp_path, path);
		i_unlink(temp_path);
		return -1;
	}
	return path_sync(parent_directory(path), O_DIRECTORY, error_r);
}

int file_unlink_synced(const char *path, const char **error_r)
{
	if (unlink(path) < 0) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("unlink(%s) failed: %m", path);
		return -1;
	}
	return path_sync(parent_directory(path), O_DIRECTORY, error_r);
}
