#include "setup-private.h"
#include "arena.h"
#include "buffer.h"
#include "bytes.h"
#include "settings-types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4U * 1024 * 1024)
#define FILE_MODE 0640
#define SECRET_BYTES_MAX 64

static int failed(struct arena *arena, const char *action, const char *path,
		  const char **error_r)
{
	*error_r = arena_printf(arena, "%s(%s) failed: %s", action, path,
				strerror(errno));
	return -1;
}

static int read_all(int fd, struct buffer *buffer)
{
	char data[8192];
	ssize_t ret;

	while ((ret = read(fd, data, sizeof(data))) != 0) {
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -1;
		buffer_append(buffer, data, (size_t)ret);
		if (buffer->size > FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
	return 0;
}

int setup_read_file(struct arena *arena, const char *path, const char **text_r,
		    const char **error_r)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buffer buffer = BUFFER_INIT;
	int ret;

	if (fd < 0 && errno == ENOENT) {
		*text_r = NULL;
		return 0;
	}
	ret = fd < 0 || read_all(fd, &buffer) < 0 ?
		failed(arena, "read", path, error_r) : 0;
	if (ret == 0)
		*text_r = arena_strdup(arena, buffer_str(&buffer));
	buffer_free(&buffer);
	if (fd >= 0)
		(void)close(fd);
	return ret;
}

int setup_read_data(struct arena *arena, const char *name, const char **text_r,
		    const char **error_r)
{
	const char *path = arena_printf(arena, SETUP_DATA_DIR "/%s", name);

	if (setup_read_file(arena, path, text_r, error_r) < 0)
		return -1;
	if (*text_r != NULL)
		return 0;
	errno = ENOENT;
	return failed(arena, "read", path, error_r);
}

static int write_all(int fd, const char *text)
{
	size_t size = strlen(text);
	ssize_t ret;

	for (; size > 0; text += ret, size -= (size_t)ret) {
		ret = write(fd, text, size);
		if (ret < 0 && errno == EINTR)
			ret = 0;
		if (ret < 0)
			return -1;
	}
	return fsync(fd);
}

static void sync_folder(const char *folder)
{
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

static int make_folder(struct setup *setup, const char **error_r)
{
	if (mkdir(setup->folder, 0750) < 0) {
		if (errno == EEXIST)
			return 0;
		return failed(setup->arena, "mkdir", setup->folder, error_r);
	}
	if (chmod(setup->folder, 0750) < 0 ||
	    chown(setup->folder, (uid_t)-1, setup->group) < 0)
		return failed(setup->arena, "chown", setup->folder, error_r);
	return 0;
}

int setup_write_file(struct setup *setup, const char *path, const char *text,
		     bool keep, const char **error_r)
{
	const char *new_path = arena_printf(setup->arena, "%s.new", path);
	const char *old_path = arena_printf(setup->arena, "%s.old", path);
	int fd, ret;

	if (make_folder(setup, error_r) < 0)
		return -1;
	/* of a set-up that was ended here */
	(void)unlink(new_path);
	fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(setup->arena, "open", new_path, error_r);
	ret = write_all(fd, text) < 0 ||
		fchown(fd, (uid_t)-1, setup->group) < 0 ||
		fchmod(fd, FILE_MODE) < 0 ? -1 : 0;
	if (ret < 0)
		(void)failed(setup->arena, "write", new_path, error_r);
	(void)close(fd);
	if (ret == 0 && keep) {
		(void)unlink(old_path);
		if (link(path, old_path) < 0 && errno != ENOENT)
			ret = failed(setup->arena, "link", old_path, error_r);
	}
	if (ret == 0 && rename(new_path, path) < 0)
		ret = failed(setup->arena, "rename", path, error_r);
	if (ret < 0)
		(void)unlink(new_path);
	else
		sync_folder(setup->folder);
	return ret;
}

const char *setup_path(struct setup *setup, const char *name)
{
	return arena_printf(setup->arena, "%s/%s", setup->folder, name);
}

int setup_make_secret(struct setup *setup, const char *key, const char *name,
		      size_t bytes, const char **text_r, const char **error_r)
{
	unsigned char random[SECRET_BYTES_MAX];
	char *text = arena_alloc(setup->arena, 2 * SECRET_BYTES_MAX + 2);
	const char *path = setup_get(setup, key, "");

	if (path[0] != '/')
		path = setup_path(setup, name);
	setup_set(setup, key, path);
	if (access(path, F_OK) == 0) {
		*error_r = settings_read_secret(setup->arena, path, text_r);
		if (*error_r == NULL)
			setup_say(setup, MSG_setup_file_there,
				  LANGUAGE_TEXT("path", path));
		return *error_r == NULL ? 0 : -1;
	}
	bytes_random(random, bytes);
	bytes_to_hex(random, bytes, text);
	*text_r = arena_strdup(setup->arena, text);
	memcpy(text + 2 * bytes, "\n", 2);
	if (setup_write_file(setup, path, text, false, error_r) < 0)
		return -1;
	setup_say(setup, MSG_setup_file_made, LANGUAGE_TEXT("path", path));
	return 0;
}
