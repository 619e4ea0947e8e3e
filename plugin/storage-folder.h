#ifndef STORAGE_FOLDER_H
#define STORAGE_FOLDER_H

/* The folders of a user whose mail can be re-encrypted, and where their files
   are. One thread, with the privileges of the mail user. */

struct mail_user;
struct mdbox_storage;

enum storage_format {
	STORAGE_FORMAT_MAILDIR,
	STORAGE_FORMAT_SDBOX,
	STORAGE_FORMAT_MDBOX
};

struct storage_folder {
	/* As the user sees it, UTF-8. */
	const char *vname;
	/* Hex. */
	const char *guid;
	enum storage_format format;
	/* Where the mails are: of maildir the folder that holds cur, new and
	   tmp; of sdbox the one that holds u.1, u.2 ...; of mdbox only the
	   folder's index. */
	const char *path;
	/* Of path: another folder may take the name. */
	dev_t device;
	ino_t inode;
	/* Where dbox keeps alternative storage; NULL if nowhere. It need not
	   exist. */
	const char *alt_path;
	/* Of mdbox: that its mails are in. */
	struct mdbox_storage *mdbox;
	/* Where its mails' files are; itself, or an mdbox. */
	const struct storage_folder *place;
	/* Where dovecot.index.cache is; NULL if nowhere. */
	const char *index_path;
};
ARRAY_DEFINE_TYPE(storage_folder, struct storage_folder *);

struct storage_folders {
	pool_t pool;
	/* INBOX, then by name. Each directory of mails once, also if links give
	   it several names. */
	ARRAY_TYPE(storage_folder) folders;
	/* Where the files of their mails are: of an mdbox m.1, m.2 ... in its
	   path, which it has instead of a GUID. */
	ARRAY_TYPE(storage_folder) places;
	/* Folders of the user that are not in the list and why, one line for
	   each namespace and format. */
	ARRAY_TYPE(const_string) refusals;
	/* Namespaces that show folders of others, one line each. */
	ARRAY_TYPE(const_string) shared;
	/* Directories below which all that Dovecot keeps for the user is: home,
	   mails, indexes. None is inside of another; they need not exist. */
	ARRAY_TYPE(const_string) roots;
};

/* All folders of the user's private namespaces, subscribed or not, also those
   an ACL keeps from the user. What is deleted meanwhile is left out. Returns
   0, or -1 if they cannot all be listed and opened. */
int storage_folders_list(struct mail_user *user,
			 struct storage_folders **folders_r,
			 const char **error_r);
void storage_folders_free(struct storage_folders **folders);

#endif
