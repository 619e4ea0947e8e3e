#include "lib.h"
#include "array.h"
#include "hash.h"
#include "storage-folder.h"
#include "storage-clear.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* No folder is nested deeper. */
#define MAX_DEPTH 64
#define CACHE_NAME "dovecot.index.cache"

struct clear_walk {
	struct storage_clear *clear;
	pool_t pool;
	/* Directories that were looked at, by device and inode. */
	HASH_TABLE(char *, char *) seen;
};

/* Names in which Dovecot's full-text plugins keep their indexes: flatcurve,
   lucene, xapian, squat. */
static bool name_is_text_index(const char *name)
{
	return strcmp(name, "fts-flatcurve") == 0 ||
		strcmp(name, "lucene-indexes") == 0 ||
		strcmp(name, "xapian-indexes") == 0 ||
		str_begins_with(name, "dovecot.index.fts") ||
		str_begins_with(name, "dovecot.index.search");
}

/* Below what is given, links are not followed. */
static DIR *open_dir(int parent_fd, const char *name, unsigned int depth)
{
	DIR *dir;
	int fd;

	if (depth == MAX_DEPTH)
		return NULL;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
		    (depth == 0 ? 0 : O_NOFOLLOW));
	if (fd == -1)
		return NULL;
	dir = fdopendir(fd);
	if (dir == NULL)
		i_close_fd(&fd);
	return dir;
}

static struct dirent *read_entry(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL &&
	       (strcmp(entry->d_name, ".") == 0 ||
		strcmp(entry->d_name, "..") == 0))
		;
	return entry;
}

/* Of a file, or of all files of a directory. */
static uint64_t tree_size(int parent_fd, const char *name, unsigned int depth)
{
	struct dirent *entry;
	struct stat st;
	uint64_t size = 0;
	DIR *dir;

	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return S_ISREG(st.st_mode) ? st.st_size : 0;
	dir = open_dir(parent_fd, name, depth);
	if (dir == NULL)
		return 0;
	while ((entry = read_entry(dir)) != NULL)
		size += tree_size(dirfd(dir), entry->d_name, depth + 1);
	(void)closedir(dir);
	return size;
}

static bool entry_is_dir(int parent_fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(parent_fd, entry->d_name, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool dir_was_seen(struct clear_walk *walk, DIR *dir)
{
	struct stat st;
	char *id;

	if (fstat(dirfd(dir), &st) < 0)
		return TRUE;
	id = p_strdup_printf(walk->pool, "%llx:%llx",
			     (unsigned long long)st.st_dev,
			     (unsigned long long)st.st_ino);
	if (hash_table_lookup(walk->seen, id) != NULL)
		return TRUE;
	hash_table_insert(walk->seen, id, id);
	return FALSE;
}

static void walk_dir(struct clear_walk *walk, int parent_fd, const char *name,
		     const char *path, unsigned int depth);

static void walk_entry(struct clear_walk *walk, int fd,
		       const struct dirent *entry, const char *dir_path,
		       unsigned int depth)
{
	struct storage_clear *clear = walk->clear;
	const char *name = entry->d_name;
	const char *path = t_strconcat(dir_path, "/", name, NULL);

	if (name_is_text_index(name)) {
		if (clear->text_index_path == NULL)
			clear->text_index_path = p_strdup(walk->pool, path);
		clear->text_index_count++;
		clear->text_index_bytes += tree_size(fd, name, depth);
	} else if (strcmp(name, CACHE_NAME) == 0) {
		clear->cache_count++;
		clear->cache_bytes += tree_size(fd, name, depth);
	} else if (entry_is_dir(fd, entry)) {
		walk_dir(walk, fd, name, path, depth);
	}
}

static void walk_dir(struct clear_walk *walk, int parent_fd, const char *name,
		     const char *path, unsigned int depth)
{
	DIR *dir = open_dir(parent_fd, name, depth);
	struct dirent *entry;

	if (dir == NULL)
		return;
	if (!dir_was_seen(walk, dir)) {
		while ((entry = read_entry(dir)) != NULL) T_BEGIN {
			walk_entry(walk, dirfd(dir), entry, path, depth + 1);
		} T_END;
	}
	(void)closedir(dir);
}

void storage_clear_find(const struct storage_folders *folders,
			struct storage_clear *clear_r)
{
	struct clear_walk walk = {
		.clear = clear_r,
		.pool = folders->pool,
	};
	struct storage_folder *folder;
	const char *path;

	i_zero(clear_r);
	hash_table_create(&walk.seen, default_pool, 0, str_hash, strcmp);
	array_foreach_elem(&folders->roots, path)
		walk_dir(&walk, AT_FDCWD, path, path, 0);
	/* where links lead to */
	array_foreach_elem(&folders->folders, folder) {
		if (folder->index_path != NULL)
			walk_dir(&walk, AT_FDCWD, folder->index_path,
				 folder->index_path, 0);
	}
	hash_table_destroy(&walk.seen);
}
