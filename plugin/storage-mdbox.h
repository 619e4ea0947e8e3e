#ifndef STORAGE_MDBOX_H
#define STORAGE_MDBOX_H

/* Dovecot's mdbox: the mails of many folders lie together in files m.1, m.2
   ...; a map, which is an index of its own, says of each mail where it is and
   how often it is in folders, and a folder's index has its number in the map.

   One thread, with the privileges of the mail user. After fork() each process
   opens the map anew, if it was closed before: locks of descriptors they share
   would be shared, too. */

#include "mail-file.h"

struct mdbox_storage;

/* As the map has it. */
struct storage_mdbox_mail {
	uint32_t map_uid, file_id;
	uint32_t offset, size;
	/* 0: it has been expunged, and its place not been given back. */
	uint16_t refcount;
};
ARRAY_DEFINE_TYPE(storage_mdbox_mail, struct storage_mdbox_mail);

/* A folder that has the mail, however often. */
struct storage_mdbox_ref {
	uint32_t map_uid;
	const struct storage_folder *folder;
};
ARRAY_DEFINE_TYPE(storage_mdbox_ref, struct storage_mdbox_ref);

struct storage_mdbox {
	/* NULL: only single ones are read. */
	const struct storage_folders *folders;
	/* Where the files are. */
	const struct storage_folder *place;
	/* As last read: by file and offset, and by map UID. */
	ARRAY_TYPE(storage_mdbox_mail) mails;
	ARRAY_TYPE(storage_mdbox_ref) refs;
};
ARRAY_DEFINE_TYPE(storage_mdbox, struct storage_mdbox *);

/* Both must live as long. */
struct storage_mdbox *
storage_mdbox_init(const struct storage_folders *folders,
		   const struct storage_folder *place);
void storage_mdbox_free(struct storage_mdbox **mdbox);

/* Lets Dovecot put right what a process that died while it wrote to the map has
   left behind. Returns 0, or -1 on error. */
int storage_mdbox_repair(struct storage_mdbox *mdbox, const char **error_r);
/* Reads map and folders. Returns 0, or -1 on error. */
int storage_mdbox_read(struct storage_mdbox *mdbox, const char **error_r);
/* What was written to the map, wherever Dovecot has put it, or the names of
   files, is on the disk then. Return 0, or -1 on error. */
int storage_mdbox_sync_map(const struct storage_mdbox *mdbox,
			   const char **error_r);
int storage_mdbox_sync_files(const struct storage_mdbox *mdbox,
			     const char **error_r);
/* To be opened again when it is needed. */
void storage_mdbox_close_map(struct storage_mdbox *mdbox);

/* Reads the map as it is now: the mails of one file, by offset. Returns 0, or
   -1 on error. */
int storage_mdbox_read_file(struct storage_mdbox *mdbox, uint32_t file_id,
			    ARRAY_TYPE(storage_mdbox_mail) *mails,
			    const char **error_r);
/* Reads the map UIDs of a folder's mails as they are now, by UID. Returns 0, or
   -1 on error; a folder that is not there has none. */
int storage_mdbox_read_folder(struct storage_mdbox *mdbox,
			      const struct storage_folder *folder,
			      ARRAY_TYPE(uint32_t) *map_uids,
			      const char **error_r);

/* Of what was last read. */
unsigned int storage_mdbox_count_mails(const struct storage_mdbox *mdbox,
				       uint32_t file_id);
bool storage_mdbox_has_expunged(const struct storage_mdbox *mdbox,
				uint32_t file_id);
const struct storage_mdbox_ref *
storage_mdbox_get_refs(const struct storage_mdbox *mdbox, uint32_t map_uid,
		       unsigned int *count_r);

/* Is the mail's file there? As the map is now. */
bool storage_mdbox_has_mail(struct storage_mdbox *mdbox, uint32_t map_uid);

/* Number of a file with such a name. */
uint32_t storage_mdbox_file_id(const char *name);
/* Allocated from the data stack. */
const char *storage_mdbox_file_path(const struct storage_mdbox *mdbox,
				    uint32_t file_id, bool alt);
/* Opens a file for reading, wherever it is. Returns 1 if opened, 0 if there is
   none, -1 on error. */
int storage_mdbox_open_file(const struct storage_mdbox *mdbox, uint32_t file_id,
			    int *fd_r, struct stat *st_r, bool *alt_r,
			    const char **error_r);
/* Opens a mail, to be closed by mail_file_close(). Returns 1 if opened, 0 if
   there is none (any more), -1 on error; path_r is where it should be. */
int storage_mdbox_open_mail(struct storage_mdbox *mdbox, uint32_t map_uid,
			    struct mail_file *file_r, const char **path_r,
			    const char **error_r);

#endif
