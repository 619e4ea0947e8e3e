#include "lib.h"
#include "array.h"
#include "hash.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"
#include "mailbox-list-iter.h"
#include "mdbox-storage.h"
#include "storage-folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The truth and not an index of it; nor are ACLs asked. */
#define LIST_FLAGS \
	(MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES)
/* A deletion that was interrupted can be taken back. */
#define OPEN_FLAGS \
	(MAILBOX_FLAG_READONLY | MAILBOX_FLAG_IGNORE_ACLS | \
	 MAILBOX_FLAG_OPEN_DELETED)

struct folder_list {
	struct storage_folders *folders;
	/* Device and inode of paths that are in the list. */
	HASH_TABLE(char *, struct storage_folder *) seen;
	struct mail_namespace *ns;
};

/* Why mails of a storage cannot be exchanged one by one. NULL if they have
   their own folders elsewhere. */
static const char *storage_refusal(const char *storage)
{
	if (strcmp(storage, "mbox") == 0)
		return "mail_crypt cannot encrypt it";
	if (strcmp(storage, "imapc") == 0 || strcmp(storage, "pop3c") == 0)
		return "its mails are on another server";
	if (strcmp(storage, "virtual") == 0)
		return NULL;
	return "it is not known";
}

static bool storage_get_format(const char *storage,
			       enum storage_format *format_r)
{
	if (strcmp(storage, "maildir") == 0)
		*format_r = STORAGE_FORMAT_MAILDIR;
	else if (strcmp(storage, "sdbox") == 0)
		*format_r = STORAGE_FORMAT_SDBOX;
	else if (strcmp(storage, MDBOX_STORAGE_NAME) == 0)
		*format_r = STORAGE_FORMAT_MDBOX;
	else
		return FALSE;
	return TRUE;
}

static void add_line(pool_t pool, ARRAY_TYPE(const_string) *lines,
		     const char *line)
{
	if (array_lsearch(lines, &line, i_strcmp_p) == NULL) {
		line = p_strdup(pool, line);
		array_push_back(lines, &line);
	}
}

static void refuse(struct folder_list *list, const char *storage)
{
	const char *reason = storage_refusal(storage);

	if (reason == NULL)
		return;
	add_line(list->folders->pool, &list->folders->refusals,
		 t_strdup_printf("namespace %s: storage format %s is not "
				 "handled: %s", list->ns->set->name, storage,
				 reason));
}

static int box_failed(struct mailbox *box, const char **error_r)
{
	enum mail_error code;
	const char *error = mailbox_get_last_internal_error(box, &code);

	if (code == MAIL_ERROR_NOTFOUND)
		return 0;
	*error_r = t_strdup_printf("mailbox_open(%s) failed: %s",
				   mailbox_get_vname(box), error);
	return -1;
}

static int box_get_path(struct mailbox *box, enum mailbox_list_path_type type,
			pool_t pool, const char **path_r, const char **error_r)
{
	const char *path;
	int ret = mailbox_get_path_to(box, type, &path);

	*path_r = NULL;
	if (ret < 0)
		return box_failed(box, error_r);
	if (ret > 0)
		*path_r = p_strdup(pool, path);
	return 1;
}

/* What Dovecot may not read may look to it as if it were empty, and have another
   GUID. */
static int box_check_access(struct mailbox *box, enum storage_format format,
			    const char *path, const char **error_r)
{
	if (faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) < 0 &&
	    errno != ENOENT) {
		*error_r = t_strdup_printf("opendir(%s) failed: %m", path);
		return -1;
	}
	if (format != STORAGE_FORMAT_MAILDIR &&
	    mail_index_is_in_memory(box->index)) {
		*error_r = t_strdup_printf("mailbox %s: its index cannot be "
					   "opened", mailbox_get_vname(box));
		return -1;
	}
	return 0;
}

/* Returns 1, 0 if the folder is gone, -1 on error. */
static int box_get_folder(struct mailbox *box, pool_t pool,
			  struct storage_folder *folder,
			  const char **error_r)
{
	struct mailbox_metadata metadata;
	int ret;

	/* opened, not to get what an index of folders remembers */
	if (mailbox_open(box) < 0 ||
	    mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata) < 0)
		return box_failed(box, error_r);
	folder->vname = p_strdup(pool, mailbox_get_vname(box));
	folder->guid = p_strdup(pool, guid_128_to_string(metadata.guid));
	ret = box_get_path(box, MAILBOX_LIST_PATH_TYPE_MAILBOX, pool,
			   &folder->path, error_r);
	if (ret > 0)
		ret = box_get_path(box, MAILBOX_LIST_PATH_TYPE_INDEX_CACHE,
				   pool, &folder->index_path, error_r);
	if (ret > 0 && folder->format == STORAGE_FORMAT_SDBOX)
		ret = box_get_path(box, MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
				   pool, &folder->alt_path, error_r);
	if (ret > 0 && folder->path == NULL) {
		*error_r = t_strdup_printf("mailbox %s has no files",
					   folder->vname);
		return -1;
	}
	if (ret > 0 && box_check_access(box, folder->format, folder->path,
					error_r) < 0)
		return -1;
	return ret;
}

static void add_place(struct storage_folders *folders,
		      struct storage_folder *folder)
{
	struct storage_folder *place;

	folder->place = folder;
	if (folder->mdbox == NULL) {
		array_push_back(&folders->places, &folder);
		return;
	}
	array_foreach_elem(&folders->places, place) {
		if (place->mdbox == folder->mdbox) {
			folder->place = place;
			return;
		}
	}
	place = p_new(folders->pool, struct storage_folder, 1);
	place->format = STORAGE_FORMAT_MDBOX;
	place->mdbox = folder->mdbox;
	place->path = p_strdup(folders->pool, folder->mdbox->storage_dir);
	place->alt_path = p_strdup(folders->pool,
				   folder->mdbox->alt_storage_dir);
	place->vname = MDBOX_STORAGE_NAME;
	place->guid = place->path;
	place->place = folder->place = place;
	array_push_back(&folders->places, &place);
}

/* Mails must not be met twice. */
static int list_add(struct folder_list *list, struct storage_folder *folder,
		    const char **error_r)
{
	struct stat st;
	char *id;

	if (stat(folder->path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("stat(%s) failed: %m", folder->path);
		return -1;
	}
	folder->device = st.st_dev;
	folder->inode = st.st_ino;
	id = p_strdup_printf(list->folders->pool, "%llx:%llx",
			     (unsigned long long)st.st_dev,
			     (unsigned long long)st.st_ino);
	if (hash_table_lookup(list->seen, id) == NULL) {
		hash_table_insert(list->seen, id, folder);
		array_push_back(&list->folders->folders, &folder);
		add_place(list->folders, folder);
	}
	return 0;
}

static int list_box(struct folder_list *list, struct mailbox *box,
		    const char **error_r)
{
	const char *storage = mailbox_get_storage(box)->name;
	enum mailbox_existence existence;
	struct storage_folder *folder;
	enum storage_format format;
	int ret;

	if (mailbox_exists(box, FALSE, &existence) < 0)
		return box_failed(box, error_r);
	if (existence != MAILBOX_EXISTENCE_SELECT)
		return 0;
	if (!storage_get_format(storage, &format)) {
		refuse(list, storage);
		return 0;
	}
	folder = p_new(list->folders->pool, struct storage_folder, 1);
	folder->format = format;
	if (format == STORAGE_FORMAT_MDBOX)
		folder->mdbox = MDBOX_STORAGE(mailbox_get_storage(box));
	ret = box_get_folder(box, list->folders->pool, folder, error_r);
	return ret <= 0 ? ret : list_add(list, folder, error_r);
}

static int list_vname(struct folder_list *list, const char *vname,
		      const char **error_r)
{
	struct mailbox *box;
	int ret;

	box = mailbox_alloc(list->ns->list, vname, OPEN_FLAGS);
	ret = list_box(list, box, error_r);
	mailbox_free(&box);
	return ret;
}

/* What the mail user may not look into is listed like a folder that holds only
   other folders. */
static int list_nonselectable(struct folder_list *list, const char *vname,
			      const char **error_r)
{
	struct mailbox *box;
	const char *path;
	int ret = 0;

	box = mailbox_alloc(list->ns->list, vname, OPEN_FLAGS);
	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_DIR, &path) > 0 &&
	    faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) < 0 &&
	    errno == EACCES) {
		*error_r = t_strdup_printf("opendir(%s) failed: %m", path);
		ret = -1;
	}
	mailbox_free(&box);
	return ret;
}

static int list_info(struct folder_list *list, const struct mailbox_info *info,
		     const char **error_r)
{
	if ((info->flags & MAILBOX_NONEXISTENT) != 0)
		return 0;
	if ((info->flags & MAILBOX_NOSELECT) != 0)
		return list_nonselectable(list, info->vname, error_r);
	return list_vname(list, info->vname, error_r);
}

static int list_private(struct folder_list *list, const char **error_r)
{
	struct mail_namespace *ns = list->ns;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	const char *storage = mail_namespace_get_default_storage(ns)->name;
	enum storage_format format;
	int ret = 0;

	if (strcmp(storage, "imapc") == 0 || strcmp(storage, "pop3c") == 0) {
		refuse(list, storage);
		return 0;
	}
	iter = mailbox_list_iter_init(ns->list, "*", LIST_FLAGS);
	while (ret == 0 && (info = mailbox_list_iter_next(iter)) != NULL) {
		T_BEGIN {
			ret = list_info(list, info, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
	}
	if (mailbox_list_iter_deinit(&iter) < 0 && ret == 0) {
		*error_r = t_strdup_printf("listing namespace %s failed: %s",
			ns->set->name,
			mailbox_list_get_last_internal_error(ns->list, NULL));
		ret = -1;
	}
	/* the prefix may be a folder itself, which no list has */
	if (ret == 0 && storage_get_format(storage, &format) &&
	    ns->prefix_len > 0 && !mail_namespace_prefix_is_inbox(ns)) {
		ret = list_vname(list,
				 t_strndup(ns->prefix, ns->prefix_len - 1),
				 error_r);
	}
	return ret;
}

static void list_shared(struct folder_list *list)
{
	struct mail_namespace *ns = list->ns;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	bool found = FALSE;

	iter = mailbox_list_iter_init(ns->list, "*", LIST_FLAGS);
	while (!found && (info = mailbox_list_iter_next(iter)) != NULL) {
		found = (info->flags &
			 (MAILBOX_NONEXISTENT | MAILBOX_NOSELECT)) == 0;
	}
	/* nothing of it is this user's: an error changes nothing */
	if (mailbox_list_iter_deinit(&iter) < 0 || found) {
		add_line(list->folders->pool, &list->folders->shared,
			 t_strdup_printf("namespace %s is %s: left alone",
				ns->set->name,
				ns->type == MAIL_NAMESPACE_TYPE_PUBLIC ?
				"public" : "shared"));
	}
}

static bool path_is_inside(const char *path, const char *dir)
{
	const char *rest;

	return str_begins(path, dir, &rest) &&
		(*rest == '\0' || *rest == '/');
}

static void add_root(struct storage_folders *folders, const char *path)
{
	ARRAY_TYPE(const_string) *roots = &folders->roots;
	const char *root;
	unsigned int i;

	array_foreach_elem(roots, root) {
		if (path_is_inside(path, root))
			return;
	}
	for (i = array_count(roots); i > 0; i--) {
		if (path_is_inside(array_idx_elem(roots, i - 1), path))
			array_delete(roots, i - 1, 1);
	}
	path = p_strdup(folders->pool, path);
	array_push_back(roots, &path);
}

static void add_roots(struct folder_list *list)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_DIR,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
		MAILBOX_LIST_PATH_TYPE_INDEX_PRIVATE,
		MAILBOX_LIST_PATH_TYPE_INDEX_CACHE,
	};
	const char *path;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_list_get_root_path(list->ns->list, types[i],
					       &path))
			add_root(list->folders, path);
	}
}

static int list_namespaces(struct folder_list *list, struct mail_user *user,
			   const char **error_r)
{
	struct mail_namespace *ns;
	const char *home;

	if (mail_user_get_home(user, &home) > 0)
		add_root(list->folders, home);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		list->ns = ns;
		if (ns->alias_for != NULL)
			continue;
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->owner != user) {
			list_shared(list);
			continue;
		}
		if (list_private(list, error_r) < 0)
			return -1;
		add_roots(list);
	}
	return 0;
}

static int folder_cmp(struct storage_folder *const *f1,
		      struct storage_folder *const *f2)
{
	const bool inbox1 = strcmp((*f1)->vname, "INBOX") == 0;
	const bool inbox2 = strcmp((*f2)->vname, "INBOX") == 0;

	if (inbox1 != inbox2)
		return inbox1 ? -1 : 1;
	return strcmp((*f1)->vname, (*f2)->vname);
}

int storage_folders_list(struct mail_user *user,
			 struct storage_folders **folders_r,
			 const char **error_r)
{
	pool_t pool = pool_alloconly_create("pymailadmin folders", 16*1024);
	struct folder_list list = {
		.folders = p_new(pool, struct storage_folders, 1),
	};
	int ret;

	list.folders->pool = pool;
	p_array_init(&list.folders->folders, pool, 64);
	p_array_init(&list.folders->places, pool, 64);
	p_array_init(&list.folders->refusals, pool, 4);
	p_array_init(&list.folders->shared, pool, 4);
	p_array_init(&list.folders->roots, pool, 4);
	hash_table_create(&list.seen, default_pool, 0, str_hash, strcmp);
	ret = list_namespaces(&list, user, error_r);
	hash_table_destroy(&list.seen);
	array_sort(&list.folders->folders, folder_cmp);
	array_sort(&list.folders->places, folder_cmp);
	if (ret < 0)
		storage_folders_free(&list.folders);
	else
		*folders_r = list.folders;
	return ret;
}

void storage_folders_free(struct storage_folders **_folders)
{
	struct storage_folders *folders = *_folders;

	if (folders == NULL)
		return;
	*_folders = NULL;
	pool_unref(&folders->pool);
}
