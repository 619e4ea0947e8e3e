#define _GNU_SOURCE /* renameat2() */
#include "lib.h"
#include "array.h"
#include "mail-file.h"
#include "rekey-shared.h"
#include "rekey-batch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_MAX_FILES 64
#define BATCH_MAX_BYTES (32*1024*1024)

struct batch_file {
	unsigned int idx;
	int fd;
	char temp_name[64];
	/* of the old file, and of the new one */
	uint64_t inode, new_inode;
	uoff_t size;
	int ret;
	const char *error;
	/* Both files are where they were, for another way to be tried. */
	bool undone;
	/* The temporary name holds an old file that may still be needed. */
	bool keep_temp;
};

struct rekey_batch {
	struct rekey_batch_params params;
	const struct storage_folder *folder;
	enum rekey_dir dir;
	int dir_fd, temp_dir_fd;

	struct batch_file files[BATCH_MAX_FILES];
	unsigned int count;
	uoff_t bytes;
	unsigned int temp_counter;
};

struct rekey_batch *rekey_batch_init(const struct rekey_batch_params *params)
{
	struct rekey_batch *batch = i_new(struct rekey_batch, 1);

	batch->params = *params;
	batch->dir_fd = batch->temp_dir_fd = -1;
	return batch;
}

static void batch_leave(struct rekey_batch *batch)
{
	if (batch->temp_dir_fd != batch->dir_fd)
		i_close_fd(&batch->temp_dir_fd);
	i_close_fd(&batch->dir_fd);
	batch->temp_dir_fd = -1;
	batch->folder = NULL;
}

static void batch_unlink(struct rekey_batch *batch, struct batch_file *file)
{
	/* if it stays, the next run removes it */
	(void)unlinkat(batch->temp_dir_fd, file->temp_name, 0);
}

void rekey_batch_deinit(struct rekey_batch **_batch)
{
	struct rekey_batch *batch = *_batch;
	unsigned int i;

	*_batch = NULL;
	for (i = 0; i < batch->count; i++) {
		batch_unlink(batch, &batch->files[i]);
		i_close_fd(&batch->files[i].fd);
	}
	batch_leave(batch);
	i_free(batch);
}

static int batch_open_dir(int at_fd, const char *path, int *fd_r,
			  const char **error_r)
{
	*fd_r = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd_r != -1)
		return 1;
	if (errno == ENOENT)
		return 0;
	*error_r = t_strdup_printf("openat(%s) failed: %m", path);
	return -1;
}

/* Opens the folder, unless another one has taken its name: its mails are for
   other keys. */
static int batch_open_folder(const struct storage_folder *folder, int *fd_r,
			     const char **error_r)
{
	struct stat st;
	int ret = batch_open_dir(AT_FDCWD, folder->path, fd_r, error_r);

	if (ret <= 0)
		return ret;
	if (fstat(*fd_r, &st) == 0 && st.st_dev == folder->device &&
	    st.st_ino == folder->inode)
		return 1;
	i_close_fd(fd_r);
	return 0;
}

static int batch_open_dirs(struct rekey_batch *batch,
			   const struct rekey_item *item, const char **error_r)
{
	const bool maildir = item->folder->format == STORAGE_FORMAT_MAILDIR;
	int fd, ret;

	ret = batch_open_folder(item->folder, &fd, error_r);
	if (ret <= 0)
		return ret;
	if (maildir)
		ret = batch_open_dir(fd, item->dir == REKEY_DIR_CUR ?
				     "cur" : "new", &batch->dir_fd, error_r);
	else if (item->dir == REKEY_DIR_ALT)
		ret = batch_open_dir(AT_FDCWD, item->folder->alt_path,
				     &batch->dir_fd, error_r);
	else
		ret = batch_open_dir(fd, ".", &batch->dir_fd, error_r);
	if (ret > 0 && maildir)
		ret = batch_open_dir(fd, "tmp", &batch->temp_dir_fd, error_r);
	else
		batch->temp_dir_fd = batch->dir_fd;
	i_close_fd(&fd);
	return ret;
}

int rekey_batch_enter(struct rekey_batch *batch, const struct rekey_item *item,
		      int *dir_fd_r, const char **error_r)
{
	int ret;

	if (batch->folder != item->folder || batch->dir != item->dir) {
		rekey_batch_commit(batch);
		batch_leave(batch);
		ret = batch_open_dirs(batch, item, error_r);
		if (ret <= 0) {
			batch_leave(batch);
			return ret;
		}
		batch->folder = item->folder;
		batch->dir = item->dir;
	}
	*dir_fd_r = batch->dir_fd;
	return 1;
}

int rekey_batch_create_file(struct rekey_batch *batch,
			    const struct rekey_item *item, int *fd_r,
			    const char **error_r)
{
	struct batch_file *file = &batch->files[batch->count];

	if (i_snprintf(file->temp_name, sizeof(file->temp_name), "%s%s.%u",
		       item->folder->format == STORAGE_FORMAT_MAILDIR ?
				MAIL_FILE_TEMP_PREFIX_MAILDIR :
				MAIL_FILE_TEMP_PREFIX_DBOX,
		       dec2str(getpid()), ++batch->temp_counter) < 0)
		i_unreached();
	file->fd = openat(batch->temp_dir_fd, file->temp_name,
			  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			  0600);
	if (file->fd == -1) {
		*error_r = t_strdup_printf("openat(%s/%s) failed: %m",
			rekey_temp_path(item->folder, item->dir),
			file->temp_name);
		return -1;
	}
	*fd_r = file->fd;
	return 0;
}

void rekey_batch_drop_file(struct rekey_batch *batch)
{
	struct batch_file *file = &batch->files[batch->count];

	batch_unlink(batch, file);
	i_close_fd(&file->fd);
}

void rekey_batch_add(struct rekey_batch *batch, unsigned int idx,
		     const struct mail_file *mail_file)
{
	struct batch_file *file = &batch->files[batch->count++];

	file->idx = idx;
	file->inode = mail_file->st.st_ino;
	file->size = mail_file->st.st_size;
	file->ret = 1;
	file->error = NULL;
	file->undone = file->keep_temp = FALSE;
	batch->bytes += file->size;
	if (batch->count == BATCH_MAX_FILES || batch->bytes >= BATCH_MAX_BYTES)
		rekey_batch_commit(batch);
}

static void batch_file_failed(struct batch_file *file, const char *function)
{
	file->ret = -1;
	file->error = t_strdup_printf("%s failed: %m", function);
}

static void batch_sync_files(struct rekey_batch *batch)
{
	struct batch_file *file;
	struct stat st;
	unsigned int i;

	for (i = 0; i < batch->count; i++) {
		file = &batch->files[i];
		if (fdatasync(file->fd) < 0)
			batch_file_failed(file, "fdatasync()");
		else if (fstat(file->fd, &st) < 0)
			batch_file_failed(file, "fstat()");
		else
			file->new_inode = st.st_ino;
	}
}

static bool error_is_unsupported(int error)
{
	return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static int batch_rename_exchange(struct rekey_batch *batch,
				 struct batch_file *file, const char *name)
{
	return renameat2(batch->temp_dir_fd, file->temp_name, batch->dir_fd,
			 name, RENAME_EXCHANGE);
}

static void batch_exchange(struct rekey_batch *batch, struct batch_file *file,
			   const struct rekey_item *item)
{
	struct stat st;

	if (batch_rename_exchange(batch, file, item->name) < 0) {
		if (errno == ENOENT) {
			file->ret = 0;
			return;
		}
		const int rename_errno = errno;

		batch_file_failed(file, "renameat2()");
		if (error_is_unsupported(rename_errno)) {
			batch->params.shared->no_exchange = TRUE;
			file->undone = TRUE;
		}
		return;
	}
	if (fstatat(batch->temp_dir_fd, file->temp_name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino == file->inode)
		return;
	/* another file had taken the name: it is not the one that was read */
	file->ret = 0;
	if (batch_rename_exchange(batch, file, item->name) < 0 &&
	    renameat2(batch->temp_dir_fd, file->temp_name, batch->dir_fd,
		      item->name, RENAME_NOREPLACE) < 0) {
		/* no name that the next run takes for one of ours to remove */
		batch_file_failed(file, "renameat2()");
		file->keep_temp = TRUE;
		(void)renameat(batch->temp_dir_fd, file->temp_name,
			       batch->temp_dir_fd,
			       t_strconcat("saved-", file->temp_name, NULL));
	}
}

static void batch_replace(struct rekey_batch *batch, struct batch_file *file,
			  const struct rekey_item *item)
{
	const char *dir = rekey_dir_path(item->folder, item->dir);
	const char *temp_dir = rekey_temp_path(item->folder, item->dir);

	file->ret = batch->params.replace(item,
		t_strconcat(temp_dir, "/", file->temp_name, NULL),
		t_strconcat(dir, "/", item->name, NULL), file->inode,
		batch->params.replace_context, &file->error);
}

static void batch_sync_dirs(struct rekey_batch *batch)
{
	struct batch_file *file;
	unsigned int i;

	if (fsync(batch->dir_fd) == 0 &&
	    (batch->temp_dir_fd == batch->dir_fd ||
	     fsync(batch->temp_dir_fd) == 0))
		return;
	batch->params.shared->sync_failed = TRUE;
	/* the old files stay, under their temporary names */
	for (i = 0; i < batch->count; i++) {
		file = &batch->files[i];
		if (file->ret > 0) {
			batch_file_failed(file, "fsync(directory)");
			file->keep_temp = TRUE;
		}
	}
}

static void batch_put_in_place(struct rekey_batch *batch,
			       struct batch_file *file)
{
	const struct rekey_item *item =
		array_idx(batch->params.items, file->idx);

	if (file->ret <= 0)
		return;
	if (batch->params.replace != NULL) {
		batch_replace(batch, file, item);
	} else if (batch->params.shared->no_exchange) {
		file->ret = -1;
		file->undone = TRUE;
	} else {
		batch_exchange(batch, file, item);
	}
}

void rekey_batch_commit(struct rekey_batch *batch)
{
	struct batch_file *file;
	unsigned int i;

	if (batch->count == 0)
		return;
	batch_sync_files(batch);
	for (i = 0; i < batch->count; i++)
		batch_put_in_place(batch, &batch->files[i]);
	/* before the old files go */
	batch_sync_dirs(batch);
	for (i = 0; i < batch->count; i++) {
		file = &batch->files[i];
		i_close_fd(&file->fd);
		if (!file->keep_temp)
			batch_unlink(batch, file);
		if (file->undone)
			continue;
		batch->params.callback(file->idx, file->ret, file->new_inode,
				       file->size, file->error,
				       batch->params.context);
	}
	batch->count = 0;
	batch->bytes = 0;
}
