#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"
#include "mailbox-list-iter.h"
#include "file-sync.h"
#include "key-journal.h"
#include "key-store.h"
#include "mailbox-lock.h"
#include "tree-removal.h"
#include "mailbox-removal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_FLAGS \
	(MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES)
#define DELETE_FLAGS \
	(MAILBOX_FLAG_IGNORE_ACLS | MAILBOX_FLAG_OPEN_DELETED | \
	 MAILBOX_FLAG_DELETE_UNSAFE)

bool path_is_inside(const char *path, const char *dir)
{
	const char *rest;

	return str_begins(path, dir, &rest) &&
		(*rest == '\0' || *rest == '/');
}

const char *path_plain(const char *path)
{
	string_t *str = t_str_new(strlen(path));

	for (; *path != '\0'; path++) {
		if (path[0] != '/' || (path[1] != '/' && path[1] != '\0'))
			str_append_c(str, *path);
	}
	return str_c(str);
}

/*
 * whose is it
 */

/* Is there a part of the path that is the user's name, with or without the
   domain, or has the whole address in it? */
static bool path_has_name(const char *path, const char *username)
{
	const char *at = strchr(username, '@'), *const *parts;
	const char *local = at == NULL ? username :
		t_strdup_until(username, at);

	for (parts = t_strsplit(path, "/"); *parts != NULL; parts++) {
		if (strcasecmp(*parts, local) == 0 ||
		    (at != NULL && strstr(*parts, username) != NULL))
			return TRUE;
	}
	return FALSE;
}

static bool path_is_plain(const char *path)
{
	const char *const *parts;

	/* at least two names: neither / nor /home */
	if (path[0] != '/' || strchr(path + 1, '/') == NULL)
		return FALSE;
	for (parts = t_strsplit(path + 1, "/"); *parts != NULL; parts++) {
		if (**parts == '\0' || strcmp(*parts, ".") == 0 ||
		    strcmp(*parts, "..") == 0)
			return FALSE;
	}
	return TRUE;
}

/* Returns FALSE and why not. */
static bool directory_may_go(const char *path, const char *username,
			     const char **error_r)
{
	struct stat st, parent_st;
	const char *parent;

	if (!path_is_plain(path) || !path_has_name(path, username)) {
		*error_r = t_strdup_printf("%s may be other users', too: it "
			"has no %s in it", *path == '\0' ? "/" : path,
			username);
		return FALSE;
	}
	parent = t_strdup_until(path, strrchr(path, '/'));
	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return TRUE;
		*error_r = t_strdup_printf("lstat(%s) failed: %m", path);
		return FALSE;
	}
	if (!S_ISDIR(st.st_mode))
		*error_r = t_strdup_printf("%s is not a directory", path);
	else if (st.st_uid != geteuid())
		*error_r = t_strdup_printf("%s belongs to user %s, not to the "
			"mail user %s", path, dec2str(st.st_uid),
			dec2str(geteuid()));
	else if (stat(parent, &parent_st) < 0)
		*error_r = t_strdup_printf("stat(%s) failed: %m", parent);
	else if (parent_st.st_dev != st.st_dev)
		*error_r = t_strdup_printf("a file system is mounted at %s",
					   path);
	else
		return TRUE;
	return FALSE;
}

int mailbox_removal_check_home(const char *home, const char *username,
			       const char **error_r)
{
	return directory_may_go(home, username, error_r) ? 1 : 0;
}

/*
 * keys
 */

int mailbox_removal_check_keys(struct mail_user *user, const char *home,
			       const char **error_r)
{
	struct key_store *store;
	int ret;

	ret = key_store_open_unread(user, &store, error_r);
	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	if (store->unusable_reason != NULL)
		*error_r = t_strdup(store->unusable_reason);
	else if (store->file_path != NULL &&
		 !path_is_inside(path_plain(store->file_path), home) &&
		 !path_has_name(store->file_path, user->username))
		*error_r = t_strdup_printf("%s may hold other users' keys, "
			"too: it is not in the home, and has no %s in its "
			"name", store->file_path, user->username);
	else
		ret = 2;
	key_store_close(&store);
	return ret == 2 ? 1 : 0;
}

static int destroy_files(const char *path, const char *const *suffixes,
			 const char **error_r)
{
	for (; *suffixes != NULL; suffixes++) {
		if (file_destroy(t_strconcat(path, *suffixes, NULL),
				 error_r) < 0)
			return -1;
	}
	return 0;
}

/* Those of a dict that is no file. */
static int remove_keys(struct mail_user *user, const char **error_r)
{
	struct key_store_change *change;
	struct key_store *store;
	struct crypt_key *key;
	int ret;

	ret = key_store_open(user, &store, error_r);
	if (ret <= 0)
		return ret;
	change = key_store_change_begin(store);
	array_foreach_elem(&store->user_keys, key)
		key_store_change_remove(change, key);
	array_foreach_elem(&store->folder_keys, key)
		key_store_change_remove(change, key);
	ret = key_store_change_commit(&change, error_r);
	key_store_close(&store);
	return ret;
}

int mailbox_removal_destroy_keys(struct mail_user *user, const char *home,
				 const char **error_r)
{
	/* what a process that was killed may have left: Dovecot writes the
	   dict anew as its lock file */
	static const char *const dict_suffixes[] = { ".lock", "", NULL };
	static const char *const journal_suffixes[] = { ".tmp", "", NULL };
	struct key_store *store;
	const char *dict_path = NULL;
	int ret;

	ret = key_store_open_unread(user, &store, error_r);
	if (ret < 0)
		return -1;
	if (ret > 0) {
		dict_path = t_strdup(store->file_path);
		key_store_close(&store);
		if (dict_path == NULL && remove_keys(user, error_r) < 0)
			return -1;
	}
	if (destroy_files(t_strconcat(home, "/"KEY_JOURNAL_NAME, NULL),
			  journal_suffixes, error_r) < 0)
		return -1;
	return dict_path == NULL ? 0 :
		destroy_files(dict_path, dict_suffixes, error_r);
}

/*
 * mail
 */

static bool path_is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Is there a link below the root on the way to path? */
static bool path_is_linked(const char *path, const char *root)
{
	const char *p;

	if (!path_is_inside(path, root))
		return path_is_link(path);
	for (p = strchr(path + strlen(root), '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		if (p > path + strlen(root) &&
		    path_is_link(t_strdup_until(path, p)))
			return TRUE;
	}
	return strcmp(path, root) != 0 && path_is_link(path);
}

/* Mails of others that a link leads to are not the user's to lose. */
static bool box_is_linked(struct mailbox *box)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	static const char *const inner[] = { "/cur", "/new", "/tmp" };
	const char *path, *root;
	unsigned int i, j;

	for (i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_get_path_to(box, types[i], &path) <= 0)
			continue;
		if (!mailbox_list_get_root_path(box->list, types[i], &root))
			root = path;
		if (path_is_linked(path, root) ||
		    path_is_link(t_strconcat(root, "/storage", NULL)))
			return TRUE;
		for (j = 0; j < N_ELEMENTS(inner); j++) {
			if (path_is_link(t_strconcat(path, inner[j], NULL)))
				return TRUE;
		}
	}
	return FALSE;
}

/* Of a process that was killed, as nobody else may be in: Dovecot would wait two
   minutes for it. */
static void break_uidlist_lock(struct mailbox *box)
{
	const char *path;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_CONTROL,
				&path) > 0)
		i_unlink_if_exists(t_strconcat(path, "/dovecot-uidlist.lock",
					       NULL));
}

static void delete_folder(struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box = mailbox_alloc(ns->list, vname, DELETE_FLAGS);
	enum mail_error code;
	const char *error;

	if (box_is_linked(box)) {
		mailbox_free(&box);
		return;
	}
	break_uidlist_lock(box);
	/* what cannot be deleted this way goes with its files */
	if (mailbox_delete(box) < 0) {
		error = mailbox_get_last_internal_error(box, &code);
		/* an INBOX that is the root: it is empty by now */
		if (code != MAIL_ERROR_NOTFOUND && code != MAIL_ERROR_EXISTS &&
		    (!box->inbox_user || code != MAIL_ERROR_NOTPOSSIBLE))
			e_warning(ns->user->event, "mailbox_delete(%s) failed: "
				  "%s; its files are removed", vname, error);
	}
	mailbox_free(&box);
}

/* From the innermost, as each needs to be empty. */
static int vname_cmp_reverse(const char *const *name1, const char *const *name2)
{
	return -strcmp(*name1, *name2);
}

static void list_folders(struct mail_namespace *ns,
			 ARRAY_TYPE(const_string) *vnames)
{
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	const char *vname;

	iter = mailbox_list_iter_init(ns->list, "*", LIST_FLAGS);
	while ((info = mailbox_list_iter_next(iter)) != NULL) {
		vname = t_strdup(info->vname);
		array_push_back(vnames, &vname);
	}
	if (mailbox_list_iter_deinit(&iter) < 0)
		e_warning(ns->user->event, "listing namespace %s failed: %s",
			  ns->set->name,
			  mailbox_list_get_last_internal_error(ns->list, NULL));
	array_sort(vnames, vname_cmp_reverse);
}

/* Files that are the user's alone: not those of another server. */
static bool namespace_is_own(const struct mail_namespace *ns,
			     const struct mail_user *user)
{
	const char *name;

	if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE || ns->owner != user ||
	    ns->alias_for != NULL)
		return FALSE;
	name = mail_namespace_get_default_storage((void *)ns)->name;
	return strcmp(name, "maildir") == 0 || strcmp(name, "sdbox") == 0 ||
		strcmp(name, "mdbox") == 0;
}

static int remove_roots(struct mail_namespace *ns, const char *home,
			const struct tree_removal *params, const char **error_r)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_DIR,
		MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_ALT_DIR,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
		MAILBOX_LIST_PATH_TYPE_INDEX_PRIVATE,
		MAILBOX_LIST_PATH_TYPE_INDEX_CACHE,
		MAILBOX_LIST_PATH_TYPE_LIST_INDEX,
	};
	const char *path, *error;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(types); i++) {
		if (!mailbox_list_get_root_path(ns->list, types[i], &path))
			continue;
		path = path_plain(path);
		if (path_is_inside(path, home))
			continue;
		if (!directory_may_go(path, ns->user->username, &error)) {
			e_warning(ns->user->event, "left as it is: %s", error);
			continue;
		}
		if (tree_removal_run(path, params, error_r) < 0)
			return -1;
	}
	return 0;
}

static int delete_namespace(struct mail_namespace *ns, const char *home,
			    const struct tree_removal *params,
			    const char **error_r)
{
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);
	ARRAY_TYPE(const_string) vnames;
	const char *vname;

	t_array_init(&vnames, 64);
	list_folders(ns, &vnames);
	array_foreach_elem(&vnames, vname) {
		if (!params->callback(params->context)) {
			*error_r = "it was told to end";
			return -1;
		}
		T_BEGIN {
			delete_folder(ns, vname);
		} T_END;
	}
	/* an mdbox keeps files of expunged mails */
	if (mail_storage_purge(storage) < 0)
		e_warning(ns->user->event, "purging namespace %s failed: %s",
			  ns->set->name,
			  mail_storage_get_last_internal_error(storage, NULL));
	return remove_roots(ns, home, params, error_r);
}

int mailbox_removal_delete_mail(struct mail_user *user, const char *home,
				const struct tree_removal *params,
				const char **error_r)
{
	struct mail_namespace *ns;
	int ret = 0;

	for (ns = user->namespaces; ns != NULL && ret == 0; ns = ns->next) {
		if (namespace_is_own(ns, user)) T_BEGIN {
			ret = delete_namespace(ns, home, params, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
	}
	return ret;
}

/*
 * home
 */

static const char *const kept_names[] = {
	MAILBOX_GATE_NAME, MAILBOX_LOCK_NAME, MAILBOX_DELETION_NAME, NULL
};

int mailbox_removal_close_home(const char *home, const char **error_r)
{
	return file_replace_synced(t_strconcat(home, "/"MAILBOX_DELETION_NAME,
					       NULL), "", 0, error_r);
}

int mailbox_removal_run_home(const char *home,
			     const struct tree_removal *_params,
			     const char **error_r)
{
	struct tree_removal params = *_params;

	params.keep = kept_names;
	return tree_removal_run(home, &params, error_r);
}

/* Else the mark could come back, and keep out who gets the address next. */
static int end_home_sync(const char *home, const char **error_r)
{
	const char *parent = t_strdup_until(home, strrchr(home, '/'));

	if (access(parent, F_OK) < 0 && errno == ENOENT)
		return 0;
	return file_sync_name(home, error_r);
}

int mailbox_removal_end_home(const char *home, const char **error_r)
{
	const char *const *name;
	int fd, ret = 0;

	fd = open(home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return end_home_sync(home, error_r);
	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", home);
		return -1;
	}
	/* the mark last: who makes another lock is stopped by it */
	for (name = kept_names; *name != NULL && ret == 0; name++) {
		if (unlinkat(fd, *name, 0) < 0 && errno != ENOENT) {
			*error_r = t_strdup_printf("unlink(%s/%s) failed: %m",
						   home, *name);
			ret = -1;
		}
	}
	i_close_fd(&fd);
	if (ret == 0 && rmdir(home) < 0 && errno != ENOENT) {
		*error_r = t_strdup_printf("rmdir(%s) failed: %m", home);
		ret = -1;
	}
	return ret < 0 ? -1 : end_home_sync(home, error_r);
}
