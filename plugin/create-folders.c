#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage.h"
#include "mail-user.h"
#include "mailbox-list-iter.h"
#include "create-folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Called for each file and, after what is in it, for each directory. Returns
   1 to end the walk, 0 to go on, -1 on error. */
typedef int walk_callback_t(const char *path, const char *directory,
			    const char *name, bool is_directory,
			    const char **error_r);

static int walk(const char *path, walk_callback_t *callback,
		const char **error_r);

static int walk_entry(const char *path, const char *name,
		      walk_callback_t *callback, const char **error_r)
{
	const char *entry = t_strconcat(path, "/", name, NULL);
	struct stat st;

	/* what is gone again was nobody's */
	if (lstat(entry, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("lstat(%s) failed: %m", entry);
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return walk(entry, callback, error_r);
	if (!S_ISREG(st.st_mode))
		return 0;
	return callback(entry, path, name, FALSE, error_r);
}

/* A path that is not there is empty. */
static int walk(const char *path, walk_callback_t *callback,
		const char **error_r)
{
	struct dirent *entry;
	const char *error = NULL;
	DIR *dir = opendir(path);
	int ret = 0;

	if (dir == NULL) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("opendir(%s) failed: %m", path);
		return -1;
	}
	for (errno = 0; ret == 0 && (entry = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		T_BEGIN {
			ret = walk_entry(path, entry->d_name, callback,
					 &error);
		} T_END_PASS_STR_IF(ret != 0, &error);
	}
	if (ret == 0 && errno != 0) {
		error = t_strdup_printf("readdir(%s) failed: %m", path);
		ret = -1;
	}
	(void)closedir(dir);
	if (ret == 0)
		ret = callback(path, path, "", TRUE, &error);
	if (ret != 0)
		*error_r = error;
	return ret;
}

static int walk_user(struct mail_user *user, walk_callback_t *callback,
		     const char **error_r)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_DIR,
		MAILBOX_LIST_PATH_TYPE_ALT_DIR,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	ARRAY_TYPE(const_string) done;
	struct mail_namespace *ns;
	const char *path;
	unsigned int i;
	int ret = 0;

	t_array_init(&done, 8);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
			continue;
		for (i = 0; i < N_ELEMENTS(types); i++) {
			if (!mailbox_list_get_root_path(ns->list, types[i],
							&path) ||
			    array_lsearch(&done, &path, i_strcmp_p) != NULL)
				continue;
			array_push_back(&done, &path);
			ret = walk(path, callback, error_r);
			if (ret != 0)
				return ret;
		}
	}
	return 0;
}

/* Of a maildir, a dbox, or a dbox's storage. */
static int find_mail(const char *path, const char *directory, const char *name,
		     bool is_directory, const char **error_r)
{
	const char *folder = strrchr(directory, '/');
	bool found;

	if (is_directory)
		return 0;
	found = folder != NULL && (strcmp(folder, "/cur") == 0 ||
				   strcmp(folder, "/new") == 0);
	if ((name[0] == 'u' || name[0] == 'm') && name[1] == '.' &&
	    str_is_numeric(name + 2, '\0'))
		found = TRUE;
	if (!found)
		return 0;
	*error_r = t_strdup_printf("there is mail: %s", path);
	return 1;
}

int create_folders_hold_mail(struct mail_user *user, const char **error_r)
{
	return walk_user(user, find_mail, error_r);
}

static int sync_path(const char *path, const char *directory ATTR_UNUSED,
		     const char *name ATTR_UNUSED, bool is_directory,
		     const char **error_r)
{
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
		  (is_directory ? O_DIRECTORY : 0));
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

/* Of a directory that was just made, its name is in the one above. Those that
   the user may not open were there before. */
static int sync_parents(const char *path, const char **error_r)
{
	const char *p;

	while ((p = strrchr(path, '/')) != NULL && p != path) {
		path = t_strdup_until(path, p);
		if (access(path, R_OK | W_OK) < 0)
			break;
		if (sync_path(path, path, "", TRUE, error_r) < 0)
			return -1;
	}
	return 0;
}

int create_folders_sync(struct mail_user *user, const char **error_r)
{
	struct mail_namespace *ns;
	const char *home, *path;

	if (walk_user(user, sync_path, error_r) < 0)
		return -1;
	if (mail_user_get_home(user, &home) > 0 &&
	    (walk(home, sync_path, error_r) < 0 ||
	     sync_parents(home, error_r) < 0))
		return -1;
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    mailbox_list_get_root_path(ns->list,
					       MAILBOX_LIST_PATH_TYPE_DIR,
					       &path) &&
		    sync_parents(path, error_r) < 0)
			return -1;
	}
	return 0;
}

static int create_folder(struct mail_namespace *ns, const char *vname,
			 ARRAY_TYPE(const_string) *guids, const char **error_r)
{
	enum mailbox_existence existence;
	struct mailbox_metadata metadata;
	struct mailbox_status status;
	struct mailbox *box;
	const char *guid;
	int ret;

	box = mailbox_alloc(ns->list, vname, 0);
	ret = mailbox_exists(box, TRUE, &existence);
	if (ret == 0 && existence != MAILBOX_EXISTENCE_SELECT) {
		mailbox_free(&box);
		return 0;
	}
	/* opening makes and subscribes it */
	if (ret == 0)
		ret = mailbox_open(box);
	if (ret == 0)
		ret = mailbox_get_metadata(box, MAILBOX_METADATA_GUID,
					   &metadata);
	if (ret == 0)
		ret = mailbox_get_status(box, STATUS_MESSAGES, &status);
	if (ret < 0) {
		*error_r = t_strdup_printf("making folder %s failed: %s",
			vname, mailbox_get_last_internal_error(box, NULL));
	} else if (status.messages > 0) {
		*error_r = t_strdup_printf("there is mail in %s", vname);
		ret = -1;
	} else {
		guid = t_strdup(guid_128_to_string(metadata.guid));
		if (array_lsearch(guids, &guid, i_strcmp_p) == NULL)
			array_push_back(guids, &guid);
	}
	mailbox_free(&box);
	return ret < 0 ? -1 : 0;
}

static int list_folders(struct mail_user *user, ARRAY_TYPE(const_string) *vnames,
			const char **error_r)
{
	const char *const patterns[] = { "*", NULL };
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	const char *vname;

	iter = mailbox_list_iter_init_namespaces(user->namespaces, patterns,
		MAIL_NAMESPACE_TYPE_PRIVATE, MAILBOX_LIST_ITER_SKIP_ALIASES);
	while ((info = mailbox_list_iter_next(iter)) != NULL) {
		vname = t_strdup(info->vname);
		array_push_back(vnames, &vname);
	}
	if (mailbox_list_iter_deinit(&iter) < 0) {
		*error_r = t_strdup_printf("listing folders failed: %s",
			mailbox_list_get_last_internal_error(
				user->namespaces->list, NULL));
		return -1;
	}
	return 0;
}

int create_folders(struct mail_user *user, const char **inbox_guid_r,
		   ARRAY_TYPE(const_string) *guids, const char **error_r)
{
	ARRAY_TYPE(const_string) vnames;
	struct mail_namespace *ns;
	const char *vname;

	ns = mail_namespace_find_inbox(user->namespaces);
	if (create_folder(ns, "INBOX", guids, error_r) < 0)
		return -1;
	if (array_is_empty(guids)) {
		*error_r = "there is no INBOX";
		return -1;
	}
	*inbox_guid_r = array_idx_elem(guids, 0);
	t_array_init(&vnames, 16);
	if (list_folders(user, &vnames, error_r) < 0)
		return -1;
	array_foreach_elem(&vnames, vname) {
		ns = mail_namespace_find(user->namespaces, vname);
		if (create_folder(ns, vname, guids, error_r) < 0)
			return -1;
	}
	return 0;
}
