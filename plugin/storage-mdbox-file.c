#include "lib.h"
#include "mailbox-list.h"
#include "mdbox-map-private.h"
#include "mdbox-storage.h"
#include "storage-mdbox-private.h"

#include <fcntl.h>
#include <unistd.h>

/* A mail that is moved all the time is looked for so often. */
#define MAX_LOOKUPS 10

static int sync_path(const char *path, const char **error_r)
{
	int fd, ret;

	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	ret = fd == -1 ? -1 : fsync(fd);
	if (ret < 0)
		*error_r = t_strdup_printf("fsync(%s) failed: %m", path);
	i_close_fd(&fd);
	return ret;
}

int storage_mdbox_sync_map(const struct storage_mdbox *mdbox,
			   const char **error_r)
{
	static const char *const suffixes[] = { ".log.2", ".log", "" };
	const char *dir = storage_mdbox_get_map(mdbox)->index_path;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(suffixes); i++) {
		if (sync_path(t_strconcat(dir, "/"MDBOX_GLOBAL_INDEX_PREFIX,
					  suffixes[i], NULL), error_r) < 0)
			return -1;
	}
	return sync_path(dir, error_r);
}

int storage_mdbox_sync_files(const struct storage_mdbox *mdbox,
			     const char **error_r)
{
	return sync_path(mdbox->place->path, error_r) < 0 ? -1 :
		sync_path(mdbox->place->alt_path, error_r);
}

uint32_t storage_mdbox_file_id(const char *name)
{
	uint32_t file_id;

	if (!str_begins(name, MAIL_FILE_PREFIX_MDBOX, &name) ||
	    str_to_uint32(name, &file_id) < 0)
		i_unreached();
	return file_id;
}

const char *storage_mdbox_file_path(const struct storage_mdbox *mdbox,
				    uint32_t file_id, bool alt)
{
	return t_strdup_printf("%s/"MAIL_FILE_PREFIX_MDBOX"%u",
			       alt ? mdbox->place->alt_path :
			       mdbox->place->path, file_id);
}

static int open_path(const char *path, int *fd_r, struct stat *st_r,
		     const char **error_r)
{
	/* O_NONBLOCK: of a FIFO, open() would wait for a writer */
	*fd_r = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd_r == -1) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	if (fstat(*fd_r, st_r) < 0)
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
	else if (!S_ISREG(st_r->st_mode))
		*error_r = t_strdup_printf("open(%s) failed: it is not a "
					   "regular file", path);
	else
		return 1;
	i_close_fd(fd_r);
	return -1;
}

int storage_mdbox_open_file(const struct storage_mdbox *mdbox, uint32_t file_id,
			    int *fd_r, struct stat *st_r, bool *alt_r,
			    const char **error_r)
{
	int ret;

	*alt_r = FALSE;
	ret = open_path(storage_mdbox_file_path(mdbox, file_id, FALSE), fd_r,
			st_r, error_r);
	if (ret == 0 && mdbox->place->alt_path != NULL) {
		*alt_r = TRUE;
		ret = open_path(storage_mdbox_file_path(mdbox, file_id, TRUE),
				fd_r, st_r, error_r);
	}
	return ret;
}

/* Returns 1 if opened, 0 if the file is not there, -1 on error. */
static int open_mail_at(struct storage_mdbox *mdbox,
			const struct mdbox_map_mail_index_record *rec,
			struct mail_file *file_r, const char **path_r,
			const char **error_r)
{
	struct mail_file_line line;
	struct stat st;
	bool alt;
	int fd, ret;

	ret = storage_mdbox_open_file(mdbox, rec->file_id, &fd, &st, &alt,
				      error_r);
	*path_r = storage_mdbox_file_path(mdbox, rec->file_id,
					  ret > 0 && alt);
	if (ret <= 0)
		return ret;
	ret = mail_file_read_line(fd, &line, error_r);
	if (ret <= 0 ||
	    mail_file_open_record(fd, &st, &line, rec->offset, rec->size,
				  file_r, error_r) < 0) {
		i_close_fd(&fd);
		return -1;
	}
	return 1;
}

int storage_mdbox_open_mail(struct storage_mdbox *mdbox, uint32_t map_uid,
			    struct mail_file *file_r, const char **path_r,
			    const char **error_r)
{
	struct mdbox_map *map = storage_mdbox_get_map(mdbox);
	struct mdbox_map_mail_index_record rec;
	unsigned int i;
	uint16_t refcount;
	int ret;

	*path_r = mdbox->place->path;
	for (i = 0; i < MAX_LOOKUPS; i++) {
		ret = mdbox_map_lookup_full(map, map_uid, &rec, &refcount);
		if (ret < 0)
			return storage_mdbox_failed(mdbox, "reading the map",
							   error_r);
		if (ret == 0)
			return 0;
		ret = open_mail_at(mdbox, &rec, file_r, path_r, error_r);
		if (ret != 0)
			return ret;
		/* it has been moved meanwhile, or is really not there */
		if (mdbox_map_refresh(map) < 0)
			return storage_mdbox_failed(mdbox, "reading the map",
							   error_r);
	}
	*error_r = "it is not there";
	return -1;
}

bool storage_mdbox_has_mail(struct storage_mdbox *mdbox, uint32_t map_uid)
{
	struct mdbox_map_mail_index_record rec;
	struct stat st;
	uint16_t refcount;
	bool found;

	if (mdbox_map_lookup_full(storage_mdbox_get_map(mdbox), map_uid, &rec,
				  &refcount) <= 0)
		return FALSE;
	T_BEGIN {
		found = stat(storage_mdbox_file_path(mdbox, rec.file_id,
						     FALSE), &st) == 0 ||
			(mdbox->place->alt_path != NULL &&
			 stat(storage_mdbox_file_path(mdbox, rec.file_id,
						      TRUE), &st) == 0);
	} T_END;
	return found;
}
