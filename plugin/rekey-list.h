#ifndef REKEY_LIST_H
#define REKEY_LIST_H

/* The stored mails of a user's folders that are still to be looked at. Those
   once seen to be under the current key are remembered by name and inode, so
   that another pass is not about them. One thread. */

#include "storage-mdbox.h"

/* Directories of a place in which mails are. */
enum rekey_dir {
	/* maildir */
	REKEY_DIR_CUR,
	REKEY_DIR_NEW,
	/* dbox */
	REKEY_DIR_MAILS,
	REKEY_DIR_ALT
};

enum rekey_item_state {
	REKEY_ITEM_TODO,
	/* Under the current key, now or already before. */
	REKEY_ITEM_CURRENT,
	/* Not there any more, or moved. */
	REKEY_ITEM_GONE,
	/* Plain, and maildir has its size nowhere. */
	REKEY_ITEM_NEEDS_SIZE,
	/* Under a key that nobody has, or damaged: no key of ours reads it. */
	REKEY_ITEM_UNREADABLE,
	/* Could not be written anew; the key it needs must stay. */
	REKEY_ITEM_FAILED
};

/* As needed_key: which keys is marked elsewhere. */
#define REKEY_NEEDS_MARKED UINT32_MAX

/* What a worker found out: in shared memory. */
struct rekey_item_result {
	uint8_t state;
	/* It was written anew. */
	bool written;
	/* Index of the key it still needs, plus 1; 0 for none. */
	uint32_t needed_key;
	/* Mails that could not be written anew, and that nobody can read. */
	uint32_t failed, unreadable;
	/* Of the file that is current. */
	uint64_t inode;
	/* mdbox: its size, and the file that has taken its place, or 0. */
	uint64_t size;
	uint32_t new_file_id;
};

/* A file: of one mail, or of many in an mdbox. */
struct rekey_item {
	/* The place it is in. */
	const struct storage_folder *folder;
	/* NULL if it is none. */
	struct storage_mdbox *mdbox;
	enum rekey_dir dir;
	const char *name;
	uint64_t inode;
	uoff_t size;
	unsigned int mails;
	/* Looked at in a pass before. */
	bool again:1;
	/* Its size has been recorded since. */
	bool has_size:1;
};
ARRAY_DEFINE_TYPE(rekey_item, struct rekey_item);

struct rekey_list;

struct rekey_list *rekey_list_init(const struct storage_folders *folders);
void rekey_list_free(struct rekey_list **list);

/* The folders again, as they are now: what was seen stays known, also of one
   that was renamed. Items are of no use afterwards. */
void rekey_list_set_folders(struct rekey_list *list,
			    const struct storage_folders *folders);

/* Reads the directories, and maps of mdboxes. With remove_temp, what an earlier
   run has left behind is removed: nobody else may be at work on the folders
   then. Returns 0, or -1 on error. */
int rekey_list_read(struct rekey_list *list, bool remove_temp,
		    const char **error_r);
/* The mdboxes, as last read. */
const ARRAY_TYPE(storage_mdbox) *
rekey_list_get_mdboxes(const struct rekey_list *list);
/* Mails to look at now; the array is the list's, until the next reading. */
const ARRAY_TYPE(rekey_item) *rekey_list_get_items(struct rekey_list *list);
/* Remember what was found out of an item. */
void rekey_list_set_result(struct rekey_list *list,
			   const struct rekey_item *item,
			   const struct rekey_item_result *result);
/* The mail's size is recorded: it may be encrypted. */
void rekey_list_set_has_size(struct rekey_list *list,
			     const struct rekey_item *item);

/* The directory's path; allocated from the data stack. */
const char *rekey_dir_path(const struct storage_folder *folder,
			   enum rekey_dir dir);
/* Where its temporary files are. */
const char *rekey_temp_path(const struct storage_folder *folder,
			    enum rekey_dir dir);

#endif
