#ifndef MDBOX_MOVE_H
#define MDBOX_MOVE_H

/* A new file in the place of one of an mdbox, as Dovecot's purge does it: the
   old file is locked, so that nobody appends to it; the new one is written
   beside it and synced; then, with the map locked, it gets a number, and the
   map is led from the old to the new file in one write; when that is on the
   disk, the old file goes. Mails keep their numbers in the map, and nothing
   changes for their folders.

   What a process that dies leaves behind: a temporary file; or a file that the
   map does not lead to, the new or the old one. The new file's first line names
   the old one, by which mdbox-leftover.h tells them apart from what Dovecot has
   left. Should Dovecot rebuild the storage meanwhile, it finds both copies of a
   mail to be one.

   To be called with the privileges of the mail user. */

#include "storage-mdbox.h"

struct mdbox_move {
	struct storage_mdbox *mdbox;
	uint32_t file_id;
	/* The old file, open for reading, and how it begins. */
	int fd;
	struct stat st;
	struct mail_file_line line;
	/* Its mails, by offset. */
	ARRAY_TYPE(storage_mdbox_mail) mails;

	/* The new file; -1 if there is none. */
	int out_fd;
	/* Where its mails are, in the order of mails; of size 0: dropped. */
	ARRAY_TYPE(storage_mdbox_mail) new_mails;
	/* After the commit. */
	uint32_t new_file_id;
	struct stat new_st;
	/* private */
	bool alt;
	const char *temp_path;
};

/* Opens and locks a file. Returns 1 if done, 0 if it is not there any more or
   somebody has locked it, -1 on error; texts are allocated from the data
   stack. */
int mdbox_move_begin(struct storage_mdbox *mdbox, uint32_t file_id,
		     struct mdbox_move *move_r, const char **error_r);
/* Drops what was not committed, and unlocks. */
void mdbox_move_end(struct mdbox_move *move);

/* Do the mails fill the file, one after the other? Else error_r says why. */
bool mdbox_move_is_whole(const struct mdbox_move *move, const char **error_r);
/* Makes out_fd. Returns 0, or -1 on error. */
int mdbox_move_create(struct mdbox_move *move, const char **error_r);
/* What is written to out_fd since begin is the next of the mails; size 0: it is
   not to be there any more. Returns 0, or -1 on error. */
int mdbox_move_add(struct mdbox_move *move, uoff_t begin, uoff_t size,
		   const char **error_r);
/* All mails are added. Returns 1 if done, 0 if something has changed meanwhile
   and nothing is done, -1 on error, after which both files may be there. */
int mdbox_move_commit(struct mdbox_move *move, const char **error_r);

#endif
