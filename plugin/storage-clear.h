#ifndef STORAGE_CLEAR_H
#define STORAGE_CLEAR_H

/* What Dovecot keeps of a user's mail in the clear, whatever mail_crypt does:
   index caches, which hold headers such as Subject and From, and full-text
   indexes, which hold the words of the mails. One thread, with the privileges
   of the mail user. */

struct storage_folders;

struct storage_clear {
	uint64_t cache_count, cache_bytes;
	uint64_t text_index_count, text_index_bytes;
	/* Of the first full-text index; NULL if there is none. */
	const char *text_index_path;
};

/* Looks below the user's directories and folders. What cannot be read is not
   counted. Texts are the folders'. */
void storage_clear_find(const struct storage_folders *folders,
			struct storage_clear *clear_r);

#endif
