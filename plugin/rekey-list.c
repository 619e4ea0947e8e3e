#include "lib.h"
#include "array.h"
#include "hash.h"
#include "mail-file.h"
#include "mdbox-leftover.h"
#include "rekey-list.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is known of a mail from the passes before. */
struct seen_mail {
	/* Of the file that is current; 0 if it is not. */
	uint64_t inode;
	/* Of a file that may grow, else 0. */
	uint64_t size;
	bool has_size;
};

struct rekey_list {
	const struct storage_folders *folders;
	/* for names: of this reading, and of what was seen */
	pool_t pool, seen_pool;
	ARRAY_TYPE(rekey_item) items;
	/* of places that are one */
	ARRAY_TYPE(storage_mdbox) mdboxes;
	/* by seen_name() */
	HASH_TABLE(const char *, struct seen_mail *) seen;
};

static void list_init_mdboxes(struct rekey_list *list)
{
	struct storage_folder *place;
	struct storage_mdbox *mdbox;

	array_foreach_elem(&list->folders->places, place) {
		if (place->format == STORAGE_FORMAT_MDBOX) {
			mdbox = storage_mdbox_init(list->folders, place);
			array_push_back(&list->mdboxes, &mdbox);
		}
	}
}

static void list_free_mdboxes(struct rekey_list *list)
{
	struct storage_mdbox *mdbox;

	array_foreach_elem(&list->mdboxes, mdbox)
		storage_mdbox_free(&mdbox);
	array_clear(&list->mdboxes);
}

struct rekey_list *rekey_list_init(const struct storage_folders *folders)
{
	struct rekey_list *list = i_new(struct rekey_list, 1);

	list->folders = folders;
	list->pool = pool_alloconly_create("pymailadmin mails", 64*1024);
	list->seen_pool = pool_alloconly_create("pymailadmin seen mails",
						64*1024);
	i_array_init(&list->items, 1024);
	i_array_init(&list->mdboxes, 1);
	list_init_mdboxes(list);
	hash_table_create(&list->seen, default_pool, 0, str_hash, strcmp);
	return list;
}

void rekey_list_free(struct rekey_list **_list)
{
	struct rekey_list *list = *_list;

	if (list == NULL)
		return;
	*_list = NULL;

	hash_table_destroy(&list->seen);
	list_free_mdboxes(list);
	array_free(&list->mdboxes);
	array_free(&list->items);
	pool_unref(&list->pool);
	pool_unref(&list->seen_pool);
	i_free(list);
}

void rekey_list_set_folders(struct rekey_list *list,
			    const struct storage_folders *folders)
{
	array_clear(&list->items);
	list->folders = folders;
	list_free_mdboxes(list);
	list_init_mdboxes(list);
}

const char *rekey_dir_path(const struct storage_folder *folder,
			   enum rekey_dir dir)
{
	switch (dir) {
	case REKEY_DIR_CUR:
		return t_strconcat(folder->path, "/cur", NULL);
	case REKEY_DIR_NEW:
		return t_strconcat(folder->path, "/new", NULL);
	case REKEY_DIR_MAILS:
		return folder->path;
	case REKEY_DIR_ALT:
		return folder->alt_path;
	}
	i_unreached();
}

const char *rekey_temp_path(const struct storage_folder *folder,
			    enum rekey_dir dir)
{
	if (folder->format == STORAGE_FORMAT_MAILDIR)
		return t_strconcat(folder->path, "/tmp", NULL);
	return rekey_dir_path(folder, dir);
}

/* A mail keeps its name when its flags change or maildir moves it to cur. */
static const char *
seen_name(const struct storage_folder *folder, enum rekey_dir dir,
	  const char *name)
{
	if (folder->format == STORAGE_FORMAT_MAILDIR)
		name = t_strcut(name, ':');
	return t_strdup_printf("%s/%d/%s", folder->guid,
			       dir == REKEY_DIR_ALT ? 1 : 0, name);
}

static struct storage_mdbox *
list_find_mdbox(const struct rekey_list *list,
		const struct storage_folder *place)
{
	struct storage_mdbox *mdbox;

	array_foreach_elem(&list->mdboxes, mdbox) {
		if (mdbox->place == place)
			return mdbox;
	}
	return NULL;
}

static void list_add(struct rekey_list *list,
		     const struct storage_folder *folder, enum rekey_dir dir,
		     const char *name, const struct stat *st)
{
	struct storage_mdbox *mdbox;
	struct seen_mail *seen;
	struct rekey_item *item;
	uint32_t file_id = 0;

	seen = hash_table_lookup(list->seen, seen_name(folder, dir, name));
	mdbox = list_find_mdbox(list, folder);
	if (mdbox != NULL)
		file_id = storage_mdbox_file_id(name);
	if (seen != NULL && seen->inode == st->st_ino &&
	    (seen->size == 0 || seen->size == (uint64_t)st->st_size) &&
	    (mdbox == NULL || !storage_mdbox_has_expunged(mdbox, file_id)))
		return;
	item = array_append_space(&list->items);
	item->folder = folder;
	item->dir = dir;
	item->name = p_strdup(list->pool, name);
	item->inode = st->st_ino;
	item->size = st->st_size;
	item->mdbox = mdbox;
	item->mails = mdbox == NULL ? 1 :
		storage_mdbox_count_mails(mdbox, file_id);
	item->again = seen != NULL;
	item->has_size = seen != NULL && seen->has_size;
}

static int list_add_file(struct rekey_list *list,
			 const struct storage_folder *folder,
			 enum rekey_dir dir, int fd, const char *name,
			 const char **error_r)
{
	struct stat st;

	if (!mail_file_name_is_mail(folder->format, name))
		return 0;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		list_add(list, folder, dir, name, &st);
	else if (errno != ENOENT) {
		*error_r = t_strdup_printf("fstatat(%s) failed: %m", name);
		return -1;
	}
	return 0;
}

typedef int list_callback_t(struct rekey_list *list,
			    const struct storage_folder *folder,
			    enum rekey_dir dir, int fd, const char *name,
			    const char **error_r);

static int remove_temp_file(struct rekey_list *list ATTR_UNUSED,
			    const struct storage_folder *folder,
			    enum rekey_dir dir ATTR_UNUSED, int fd,
			    const char *name, const char **error_r)
{
	if (!mail_file_name_is_temp(folder->format, name) ||
	    unlinkat(fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	*error_r = t_strdup_printf("unlinkat(%s) failed: %m", name);
	return -1;
}

static int
list_directory(struct rekey_list *list, const struct storage_folder *folder,
	       enum rekey_dir dir, const char *path,
	       list_callback_t *callback, const char **error_r)
{
	const char *error;
	struct dirent *entry;
	DIR *handle;
	int ret = 0;

	handle = opendir(path);
	if (handle == NULL) {
		/* the folder has been deleted, or never had this part */
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("opendir(%s) failed: %m", path);
		return -1;
	}
	while (ret == 0) T_BEGIN {
		errno = 0;
		entry = readdir(handle);
		if (entry == NULL) {
			ret = errno == 0 ? 1 : -1;
			error = t_strdup_printf("readdir() failed: %m");
		} else {
			ret = callback(list, folder, dir, dirfd(handle),
				       entry->d_name, &error);
		}
	} T_END_PASS_STR_IF(ret < 0, &error);
	if (ret < 0)
		*error_r = t_strdup_printf("%s: %s", path, error);
	(void)closedir(handle);
	return ret < 0 ? -1 : 0;
}

static int
list_folder_dir(struct rekey_list *list, const struct storage_folder *folder,
		enum rekey_dir dir, bool remove_temp, const char **error_r)
{
	const char *path = rekey_dir_path(folder, dir);

	if (path == NULL)
		return 0;
	if (remove_temp &&
	    list_directory(list, folder, dir, rekey_temp_path(folder, dir),
			   remove_temp_file, error_r) < 0)
		return -1;
	return list_directory(list, folder, dir, path, list_add_file,
			      error_r);
}

/* What a temporary file may be the old file of is on the disk then. */
static int sync_directory(const char *path, const char **error_r)
{
	int fd, ret;

	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	ret = fd == -1 ? -1 : fsync(fd);
	if (ret < 0)
		*error_r = t_strdup_printf("fsync(%s) failed: %m", path);
	i_close_fd(&fd);
	return ret;
}

static int list_read_mdbox(struct storage_mdbox *mdbox, bool remove_left,
			   const char **error_r)
{
	if (remove_left && storage_mdbox_repair(mdbox, error_r) < 0)
		return -1;
	if (storage_mdbox_read(mdbox, error_r) < 0)
		return -1;
	return remove_left ? mdbox_leftover_remove(mdbox, error_r) : 0;
}

static int list_folder(struct rekey_list *list,
		       const struct storage_folder *folder, bool remove_temp,
		       const char **error_r)
{
	const bool maildir = folder->format == STORAGE_FORMAT_MAILDIR;
	enum rekey_dir dir;

	for (dir = REKEY_DIR_CUR; remove_temp && dir <= REKEY_DIR_ALT; dir++) {
		if (maildir == (dir <= REKEY_DIR_NEW) &&
		    sync_directory(rekey_dir_path(folder, dir), error_r) < 0)
			return -1;
	}
	if (list_folder_dir(list, folder,
			    maildir ? REKEY_DIR_NEW : REKEY_DIR_MAILS,
			    remove_temp, error_r) < 0)
		return -1;
	/* after new, from where mails move to cur */
	return list_folder_dir(list, folder,
			       maildir ? REKEY_DIR_CUR : REKEY_DIR_ALT,
			       !maildir && remove_temp, error_r);
}

int rekey_list_read(struct rekey_list *list, bool remove_temp,
		    const char **error_r)
{
	struct storage_folder *folder;
	struct storage_mdbox *mdbox;

	array_clear(&list->items);
	p_clear(list->pool);
	array_foreach_elem(&list->mdboxes, mdbox) {
		if (list_read_mdbox(mdbox, remove_temp, error_r) < 0)
			return -1;
	}
	array_foreach_elem(&list->folders->places, folder) {
		if (list_folder(list, folder, remove_temp, error_r) < 0)
			return -1;
	}
	return 0;
}

const ARRAY_TYPE(storage_mdbox) *
rekey_list_get_mdboxes(const struct rekey_list *list)
{
	return &list->mdboxes;
}

const ARRAY_TYPE(rekey_item) *rekey_list_get_items(struct rekey_list *list)
{
	return &list->items;
}

static struct seen_mail *
seen_get(struct rekey_list *list, const struct rekey_item *item,
	 const char *file_name)
{
	const char *name = seen_name(item->folder, item->dir, file_name);
	struct seen_mail *seen = hash_table_lookup(list->seen, name);

	if (seen != NULL)
		return seen;
	seen = p_new(list->seen_pool, struct seen_mail, 1);
	name = p_strdup(list->seen_pool, name);
	hash_table_insert(list->seen, name, seen);
	return seen;
}

void rekey_list_set_result(struct rekey_list *list,
			   const struct rekey_item *item,
			   const struct rekey_item_result *result)
{
	T_BEGIN {
		const char *name = result->new_file_id == 0 ? item->name :
			t_strdup_printf(MAIL_FILE_PREFIX_MDBOX"%u",
					result->new_file_id);
		struct seen_mail *seen = seen_get(list, item, name);

		seen->inode = result->state == REKEY_ITEM_CURRENT ?
			result->inode : 0;
		seen->size = result->size;
	} T_END;
}

void rekey_list_set_has_size(struct rekey_list *list,
			     const struct rekey_item *item)
{
	T_BEGIN {
		seen_get(list, item, item->name)->has_size = TRUE;
	} T_END;
}
