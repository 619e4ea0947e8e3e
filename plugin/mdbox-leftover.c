#include "lib.h"
#include "array.h"
#include "mdbox-leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

struct leftover_file {
	uint32_t file_id;
	/* Of the file it was written in place of, or 0. */
	uint32_t source;
	/* The map leads to it. */
	bool used;
};

struct leftover {
	struct storage_mdbox *mdbox;
	ARRAY(struct leftover_file) files;
};

static int read_file(struct leftover *left, uint32_t file_id,
		     const char **error_r)
{
	struct leftover_file *file;
	struct mail_file_line line;
	struct stat st;
	bool alt;
	int fd, ret;

	ret = storage_mdbox_open_file(left->mdbox, file_id, &fd, &st, &alt,
				      error_r);
	/* what cannot be opened is met again by who looks at its mails */
	if (ret <= 0)
		return 0;
	ret = mail_file_read_line(fd, &line, error_r);
	i_close_fd(&fd);
	if (ret < 0)
		return -1;
	file = array_append_space(&left->files);
	file->file_id = file_id;
	file->source = ret > 0 ? line.source : 0;
	file->used = storage_mdbox_count_mails(left->mdbox, file_id) > 0;
	return 0;
}

static int read_dir(struct leftover *left, const char *path,
		    const char **error_r)
{
	struct dirent *entry;
	DIR *dir = path == NULL ? NULL : opendir(path);
	int ret = 0;

	if (dir == NULL) {
		if (path == NULL || errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("opendir(%s) failed: %m", path);
		return -1;
	}
	while (ret == 0 && (entry = readdir(dir)) != NULL) {
		if (mail_file_name_is_mail(STORAGE_FORMAT_MDBOX, entry->d_name))
			ret = read_file(left,
					storage_mdbox_file_id(entry->d_name),
					error_r);
	}
	(void)closedir(dir);
	return ret;
}

/* Has a file that the map leads to been written in place of it? */
static bool is_superseded(const struct leftover *left, uint32_t file_id)
{
	const struct leftover_file *file;

	array_foreach(&left->files, file) {
		if (file->used && file->source == file_id)
			return TRUE;
	}
	return FALSE;
}

static bool is_used(const struct leftover *left, uint32_t file_id)
{
	const struct leftover_file *file;

	array_foreach(&left->files, file) {
		if (file->used && file->file_id == file_id)
			return TRUE;
	}
	return FALSE;
}

static bool may_go(const struct leftover *left,
		   const struct leftover_file *file)
{
	if (file->used)
		return FALSE;
	if (is_superseded(left, file->file_id))
		return TRUE;
	return file->source != 0 && (is_used(left, file->source) ||
				     is_superseded(left, file->source));
}

/* The map may lead to it since it was read. */
static int remove_file(struct leftover *left, uint32_t file_id,
		       const char **error_r)
{
	ARRAY_TYPE(storage_mdbox_mail) mails;
	const char *path;
	struct stat st;
	bool alt;
	int fd, ret;

	ret = storage_mdbox_open_file(left->mdbox, file_id, &fd, &st, &alt,
				      error_r);
	if (ret <= 0)
		return ret;
	/* who is at work on it is not a dead process */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		i_close_fd(&fd);
		return 0;
	}
	t_array_init(&mails, 1);
	ret = storage_mdbox_read_file(left->mdbox, file_id, &mails, error_r);
	/* what leads elsewhere is on the disk before the file goes */
	if (ret == 0)
		ret = storage_mdbox_sync_map(left->mdbox, error_r);
	path = storage_mdbox_file_path(left->mdbox, file_id, alt);
	if (ret == 0 && array_is_empty(&mails) && unlink(path) < 0 &&
	    errno != ENOENT) {
		*error_r = t_strdup_printf("unlink(%s) failed: %m", path);
		ret = -1;
	}
	i_close_fd(&fd);
	return ret;
}

int mdbox_leftover_remove(struct storage_mdbox *mdbox, const char **error_r)
{
	struct leftover left = { .mdbox = mdbox };
	const struct leftover_file *file;
	int ret;

	i_array_init(&left.files, 64);
	ret = read_dir(&left, mdbox->place->path, error_r);
	if (ret == 0)
		ret = read_dir(&left, mdbox->place->alt_path, error_r);
	array_foreach(&left.files, file) {
		if (ret == 0 && may_go(&left, file))
			ret = remove_file(&left, file->file_id, error_r);
	}
	array_free(&left.files);
	return ret;
}
