#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "mail-user.h"
#include "maildir-storage.h"
#include "maildir-uidlist.h"
#include "rekey-private.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct mailbox *
rekey_folder_open(struct rekey *rekey, const struct storage_folder *folder)
{
	struct mail_namespace *ns;
	struct mailbox *box;

	ns = mail_namespace_find(rekey->params.user->namespaces,
				 folder->vname);
	/* read-only: mail in new stays there, and recent */
	box = mailbox_alloc(ns->list, folder->vname, MAILBOX_FLAG_READONLY |
			    MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_open(box) == 0 && mailbox_sync(box, 0) == 0)
		return box;
	if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND)
		e_warning(rekey->event, "opening %s failed: %s",
			  folder->vname,
			  mailbox_get_last_internal_error(box, NULL));
	mailbox_free(&box);
	return NULL;
}

void rekey_folder_cache_save_dates(struct rekey *rekey,
				   const struct storage_folder *folder)
{
	struct mailbox_transaction_context *trans;
	struct mail_search_context *search;
	struct mail_search_args *args;
	struct mailbox *box;
	struct mail *mail;
	time_t date;

	box = rekey_folder_open(rekey, folder);
	if (box == NULL)
		return;
	args = mail_search_build_init();
	mail_search_build_add_all(args);
	trans = mailbox_transaction_begin(box, 0, __func__);
	search = mailbox_search_init(trans, args, NULL, MAIL_FETCH_SAVE_DATE,
				     NULL);
	mail_search_args_unref(&args);
	while (mailbox_search_next(search, &mail))
		(void)mail_get_save_date(mail, &date);
	if (mailbox_search_deinit(&search) < 0 ||
	    mailbox_transaction_commit(&trans) < 0)
		e_warning(rekey->event, "%s: keeping the save dates failed: "
			  "%s", folder->vname,
			  mailbox_get_last_internal_error(box, NULL));
	mailbox_free(&box);
}

/* Its size on the disk would not be that of the mail. */
static bool file_is_compressed(int fd)
{
	static const struct {
		const char *magic;
		size_t size;
	} magics[] = {
		{ "\x1f\x8b", 2 },
		{ "BZh", 3 },
		{ "\xfd" "7zXZ", 5 },
		{ "\x28\xb5\x2f\xfd", 4 },
		{ "Dovecot-LZ4", 11 },
	};
	char begin[16];
	ssize_t ret = pread(fd, begin, sizeof(begin), 0);
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(magics); i++) {
		if (ret >= (ssize_t)magics[i].size &&
		    memcmp(begin, magics[i].magic, magics[i].size) == 0)
			return TRUE;
	}
	return FALSE;
}

static int plain_file_get_size(const struct rekey_item *item, uoff_t *size_r,
			       const char **error_r)
{
	const char *path = t_strconcat(rekey_dir_path(item->folder, item->dir),
				       "/", item->name, NULL);
	struct stat st;
	int fd, ret = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 || fstat(fd, &st) < 0)
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
	else if (file_is_compressed(fd))
		*error_r = "it is compressed, and its name has no ,S=";
	else {
		*size_r = st.st_size;
		ret = 1;
	}
	i_close_fd(&fd);
	return ret;
}

int rekey_folder_record_size(struct rekey *rekey ATTR_UNUSED,
			     struct mailbox *box,
			     const struct rekey_item *item,
			     const char **error_r)
{
	struct maildir_mailbox *mbox =
		container_of(box, struct maildir_mailbox, box);
	uint32_t uid;
	uoff_t size;
	int ret;

	ret = plain_file_get_size(item, &size, error_r);
	if (ret <= 0)
		return ret;
	ret = maildir_uidlist_lock(mbox->uidlist);
	if (ret <= 0) {
		*error_r = "maildir_uidlist_lock() failed";
		return -1;
	}
	if (!maildir_uidlist_get_uid(mbox->uidlist, item->name, &uid)) {
		*error_r = "it has no UID yet";
		ret = -1;
	} else {
		maildir_uidlist_set_ext(mbox->uidlist, uid,
					MAILDIR_UIDLIST_REC_EXT_PSIZE,
					dec2str(size));
		ret = maildir_uidlist_update(mbox->uidlist) < 0 ? -1 : 1;
		if (ret < 0)
			*error_r = "maildir_uidlist_update() failed";
	}
	maildir_uidlist_unlock(mbox->uidlist);
	return ret;
}

int rekey_folder_count_mails(struct rekey *rekey,
			     const struct storage_folder *folder,
			     unsigned int *count_r)
{
	struct mailbox *box = rekey_folder_open(rekey, folder);
	struct mailbox_status status;

	if (box == NULL)
		return -1;
	mailbox_get_open_status(box, STATUS_MESSAGES, &status);
	*count_r = status.messages;
	mailbox_free(&box);
	return 0;
}

static int replace_file(const char *temp_path, const char *path,
			uint64_t inode, const char **error_r)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("lstat(%s) failed: %m", path);
		return -1;
	}
	if (st.st_ino != inode)
		return 0;
	if (rename(temp_path, path) < 0) {
		*error_r = t_strdup_printf("rename(%s) failed: %m", path);
		return -1;
	}
	return 1;
}

static int replace_in_maildir(struct mailbox *box, const char *temp_path,
			      const char *path, uint64_t inode,
			      const char **error_r)
{
	struct maildir_mailbox *mbox =
		container_of(box, struct maildir_mailbox, box);
	int ret;

	/* who moves mail from new to cur holds this one */
	if (maildir_uidlist_lock(mbox->uidlist) <= 0) {
		*error_r = "maildir_uidlist_lock() failed";
		return -1;
	}
	ret = replace_file(temp_path, path, inode, error_r);
	maildir_uidlist_unlock(mbox->uidlist);
	return ret;
}

int rekey_folder_replace(const struct rekey_item *item, const char *temp_path,
			 const char *path, uint64_t inode, void *context,
			 const char **error_r)
{
	struct rekey *rekey = context;
	struct mail_index_sync_ctx *sync;
	struct mail_index_view *view;
	struct mail_index_transaction *trans;
	struct mailbox *box = rekey_folder_open(rekey, item->folder);
	int ret;

	if (box == NULL) {
		*error_r = "the folder does not open";
		return -1;
	}
	/* who changes flags or expunges renames or unlinks files under it */
	if (mail_index_sync_begin(box->index, &sync, &view, &trans, 0) < 0) {
		*error_r = "mail_index_sync_begin() failed";
		ret = -1;
	} else {
		ret = item->folder->format == STORAGE_FORMAT_MAILDIR ?
			replace_in_maildir(box, temp_path, path, inode,
					   error_r) :
			replace_file(temp_path, path, inode, error_r);
		mail_index_sync_rollback(&sync);
	}
	mailbox_free(&box);
	return ret;
}
