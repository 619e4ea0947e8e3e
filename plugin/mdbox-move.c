#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "mdbox-map-private.h"
#include "mdbox-storage.h"
#include "mdbox-move.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static struct mdbox_map *move_map(const struct mdbox_move *move)
{
	return move->mdbox->place->mdbox->map;
}

static int move_errno(const char *function, const char *path,
		      const char **error_r)
{
	*error_r = t_strdup_printf("%s(%s) failed: %m", function, path);
	return -1;
}

static const char *move_path(const struct mdbox_move *move, uint32_t file_id)
{
	return storage_mdbox_file_path(move->mdbox, file_id, move->alt);
}

static const char *move_dir(const struct mdbox_move *move)
{
	return move->alt ? move->mdbox->place->alt_path :
		move->mdbox->place->path;
}

/* As dbox_file_try_lock(), which needs Dovecot's own view of the file: it would
   mark the storage as damaged for what is wrong with one file, and then nothing
   could be moved. Returns 1 if it is locked and still has its name, 0 if not,
   -1 on error. */
static int move_lock(struct mdbox_move *move, const char **error_r)
{
	const char *path = move_path(move, move->file_id);
	struct stat st;

	if (flock(move->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 :
			move_errno("flock", path, error_r);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 :
			move_errno("lstat", path, error_r);
	if (st.st_dev != move->st.st_dev || st.st_ino != move->st.st_ino)
		return 0;
	/* it may have grown */
	return fstat(move->fd, &move->st) < 0 ?
		move_errno("fstat", path, error_r) : 1;
}

int mdbox_move_begin(struct storage_mdbox *mdbox, uint32_t file_id,
		     struct mdbox_move *move_r, const char **error_r)
{
	struct mdbox_move *move = move_r;
	int ret;

	i_zero(move);
	move->mdbox = mdbox;
	move->file_id = file_id;
	move->fd = move->out_fd = -1;
	i_array_init(&move->mails, 64);
	i_array_init(&move->new_mails, 64);
	ret = storage_mdbox_open_file(mdbox, file_id, &move->fd, &move->st,
				      &move->alt, error_r);
	if (ret > 0)
		ret = move_lock(move, error_r);
	if (ret > 0) {
		ret = mail_file_read_line(move->fd, &move->line, error_r);
		if (ret == 0)
			ret = -1;
	}
	/* with the lock: who appends writes to the map before unlocking */
	if (ret > 0 && storage_mdbox_read_file(mdbox, file_id, &move->mails,
					       error_r) < 0)
		ret = -1;
	if (ret <= 0)
		mdbox_move_end(move);
	return ret;
}

void mdbox_move_end(struct mdbox_move *move)
{
	if (move->temp_path != NULL)
		i_unlink_if_exists(move->temp_path);
	move->temp_path = NULL;
	i_close_fd(&move->out_fd);
	/* and with it the lock */
	i_close_fd(&move->fd);
	array_free(&move->mails);
	array_free(&move->new_mails);
}

bool mdbox_move_is_whole(const struct mdbox_move *move, const char **error_r)
{
	const struct storage_mdbox_mail *mail;
	uoff_t end = move->line.size;

	if (array_is_empty(&move->mails)) {
		*error_r = "the map does not lead to it";
		return FALSE;
	}
	array_foreach(&move->mails, mail) {
		if (mail->offset != end)
			break;
		end += mail->size;
	}
	if (end == (uoff_t)move->st.st_size)
		return TRUE;
	*error_r = t_strdup_printf("at offset %"PRIuUOFF_T" it is not what the "
				   "map says", end);
	return FALSE;
}

int mdbox_move_create(struct mdbox_move *move, const char **error_r)
{
	static unsigned int counter = 0;

	move->temp_path = t_strdup_printf("%s/"MAIL_FILE_TEMP_PREFIX_DBOX
					  "%s.%u", move_dir(move),
					  dec2str(getpid()), ++counter);
	move->out_fd = open(move->temp_path, O_RDWR | O_CREAT | O_EXCL |
			    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (move->out_fd == -1)
		return move_errno("open", move->temp_path, error_r);
	return mail_file_write_line(move->fd, &move->line, move->file_id,
				    move->out_fd, error_r);
}

int mdbox_move_add(struct mdbox_move *move, uoff_t begin, uoff_t size,
		   const char **error_r)
{
	const struct storage_mdbox_mail *old =
		array_idx(&move->mails, array_count(&move->new_mails));
	struct storage_mdbox_mail *mail = array_append_space(&move->new_mails);

	*mail = *old;
	mail->offset = begin;
	mail->size = size;
	if (begin + size <= UINT32_MAX)
		return 0;
	*error_r = "it would grow beyond 4 GB";
	return -1;
}

/*
 * commit
 */

/* Returns 1 if the map is locked, -1 on error. */
static int lock_map(struct mdbox_move *move,
		    struct mdbox_map_atomic_context **atomic_r,
		    const char **error_r)
{
	struct mdbox_storage *storage = move->mdbox->place->mdbox;

	*atomic_r = mdbox_map_atomic_begin(storage->map);
	if (mdbox_map_atomic_lock(*atomic_r, "pymailadmin: moving mails") < 0)
		*error_r = t_strdup_printf("locking the map failed: %s",
			mail_storage_get_last_internal_error(
				&storage->storage.storage, NULL));
	else if (storage->corrupted_reason != NULL)
		*error_r = t_strdup_printf("the map is damaged: %s",
					   storage->corrupted_reason);
	else
		return 1;
	(void)mdbox_map_atomic_finish(atomic_r);
	return -1;
}

static int finish_map(struct mdbox_move *move,
		      struct mdbox_map_atomic_context **atomic,
		      const char **error_r)
{
	mdbox_map_atomic_set_success(*atomic);
	if (mdbox_map_atomic_finish(atomic) < 0) {
		*error_r = t_strdup_printf("writing to the map failed: %s",
			mail_storage_get_last_internal_error(
				&move->mdbox->place->mdbox->storage.storage,
				NULL));
		return -1;
	}
	return storage_mdbox_sync_map(move->mdbox, error_r);
}

static bool number_is_taken(const struct mdbox_move *move, uint32_t file_id)
{
	struct stat st;

	return lstat(storage_mdbox_file_path(move->mdbox, file_id, FALSE),
		     &st) == 0 ||
		(move->mdbox->place->alt_path != NULL &&
		 lstat(storage_mdbox_file_path(move->mdbox, file_id, TRUE),
		       &st) == 0);
}

/* A step of its own: a file of a higher number than the map has given out would
   make Dovecot rebuild the storage. */
static int take_number(struct mdbox_move *move, const char **error_r)
{
	struct mdbox_map *map = move_map(move);
	struct mdbox_map_atomic_context *atomic;
	struct mdbox_map_mail_index_header header;
	const void *data;
	size_t size;

	if (lock_map(move, &atomic, error_r) < 0)
		return -1;
	mail_index_get_header_ext(atomic->sync_view, map->map_ext_id, &data,
				  &size);
	i_zero(&header);
	if (size > 0)
		memcpy(&header, data, I_MIN(size, sizeof(header)));
	move->new_file_id = header.highest_file_id;
	do {
		move->new_file_id++;
	} while (number_is_taken(move, move->new_file_id));
	mail_index_update_header_ext(atomic->sync_trans, map->map_ext_id,
		offsetof(struct mdbox_map_mail_index_header, highest_file_id),
		&move->new_file_id, sizeof(move->new_file_id));
	return finish_map(move, &atomic, error_r);
}

/* With the map locked: is the mail where it was, and has nobody put one that is
   to be dropped into a folder again? */
static bool mail_is_same(struct mdbox_move *move,
			 struct mdbox_map_atomic_context *atomic,
			 const struct storage_mdbox_mail *old, bool dropped,
			 uint32_t *seq_r)
{
	struct dbox_mail_lookup_rec rec;

	return mail_index_lookup_seq(atomic->sync_view, old->map_uid, seq_r) &&
		mdbox_map_view_lookup_rec(move_map(move), atomic->sync_view,
					  *seq_r, &rec) == 0 &&
		rec.rec.file_id == old->file_id &&
		rec.rec.offset == old->offset && rec.rec.size == old->size &&
		(!dropped || rec.refcount == 0);
}

/* Returns 1, or 0 if something has changed. */
static int update_map(struct mdbox_move *move,
		      struct mdbox_map_atomic_context *atomic)
{
	const struct storage_mdbox_mail *old, *mail;
	struct mdbox_map_mail_index_record rec;
	uint32_t seq;

	i_assert(array_count(&move->mails) == array_count(&move->new_mails));
	array_foreach(&move->new_mails, mail) {
		old = array_idx(&move->mails,
				array_foreach_idx(&move->new_mails, mail));
		if (!mail_is_same(move, atomic, old, mail->size == 0, &seq))
			return 0;
		if (mail->size == 0) {
			mail_index_expunge(atomic->sync_trans, seq);
			continue;
		}
		i_zero(&rec);
		rec.file_id = move->new_file_id;
		rec.offset = mail->offset;
		rec.size = mail->size;
		mail_index_update_ext(atomic->sync_trans, seq,
				      move_map(move)->map_ext_id, &rec, NULL);
	}
	return 1;
}

static int name_new_file(struct mdbox_move *move, const char **error_r)
{
	const char *path = move_path(move, move->new_file_id);

	if (rename(move->temp_path, path) < 0)
		return move_errno("rename", path, error_r);
	move->temp_path = NULL;
	/* before the map leads to it */
	return storage_mdbox_sync_files(move->mdbox, error_r);
}

/* Returns 1 if the map leads to the new file, 0 if something has changed, -1 on
   error. */
static int switch_map(struct mdbox_move *move, const char **error_r)
{
	struct mdbox_map_atomic_context *atomic;
	int ret;

	if (lock_map(move, &atomic, error_r) < 0)
		return -1;
	ret = update_map(move, atomic);
	if (ret > 0 && move->out_fd != -1 && name_new_file(move, error_r) < 0)
		ret = -1;
	if (ret > 0)
		return finish_map(move, &atomic, error_r) < 0 ? -1 : 1;
	/* nothing of what was to be changed is */
	(void)mdbox_map_atomic_finish(&atomic);
	return ret;
}

static bool move_has_mails(const struct mdbox_move *move)
{
	const struct storage_mdbox_mail *mail;

	array_foreach(&move->new_mails, mail) {
		if (mail->size > 0)
			return TRUE;
	}
	return FALSE;
}

/* Makes the new file safe, if it is needed. */
static int finish_new_file(struct mdbox_move *move, const char **error_r)
{
	if (!move_has_mails(move)) {
		if (move->temp_path != NULL)
			i_unlink(move->temp_path);
		move->temp_path = NULL;
		i_close_fd(&move->out_fd);
		return 0;
	}
	i_assert(move->out_fd != -1);
	if (mail_file_copy_attributes(&move->st, move->out_fd, error_r) < 0)
		return -1;
	if (fsync(move->out_fd) < 0)
		return move_errno("fsync", move->temp_path, error_r);
	if (fstat(move->out_fd, &move->new_st) < 0)
		return move_errno("fstat", move->temp_path, error_r);
	return take_number(move, error_r);
}

int mdbox_move_commit(struct mdbox_move *move, const char **error_r)
{
	const char *path = move_path(move, move->file_id);
	int ret;

	if (finish_new_file(move, error_r) < 0)
		return -1;
	ret = switch_map(move, error_r);
	if (ret <= 0)
		return ret;
	if (unlink(path) < 0 && errno != ENOENT)
		return move_errno("unlink", path, error_r);
	return storage_mdbox_sync_files(move->mdbox, error_r) < 0 ? -1 : 1;
}
