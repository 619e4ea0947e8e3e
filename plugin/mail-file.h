#ifndef MAIL_FILE_H
#define MAIL_FILE_H

/* One stored mail as a file, or a part of one: where in it the mail is, and
   whether and to which key it is encrypted. Formats: maildir
   (https://cr.yp.to/proto/maildir.html, the file is the mail), sdbox (Dovecot's
   dbox-file.h: a header line, then the record: a message header with the size,
   the mail, metadata lines) and mdbox (a header line and many records; where
   they are is known to Dovecot's map).

   One thread; may be used after fork(). */

#include "mail-cipher.h"
#include "storage-folder.h"

#include <sys/stat.h>

/* Names of our temporary files begin so, in maildir's tmp and where dbox has
   its mails, where ".temp." is a name that Dovecot itself ignores and in the
   end removes. */
#define MAIL_FILE_TEMP_PREFIX_MAILDIR "pymailadmin."
#define MAIL_FILE_TEMP_PREFIX_DBOX ".temp.pymailadmin."
/* mdbox: and what follows is the number. */
#define MAIL_FILE_PREFIX_MDBOX "m."

enum mail_file_crypt {
	MAIL_FILE_ENCRYPTED,
	MAIL_FILE_PLAIN,
	/* The file is not what its format says, or the mail's encryption
	   header is none: nobody can read it. */
	MAIL_FILE_DAMAGED
};

struct mail_file {
	int fd;
	struct stat st;
	enum storage_format format;
	/* Where the mail is, as stored. */
	uoff_t offset, size;
	/* dbox: where its record begins and ends. */
	uoff_t record_offset, record_end;
	enum mail_file_crypt crypt;
	/* Of a damaged file, too, if it is found; else key_id is empty. */
	struct mail_cipher_header header;
	/* Why it is damaged. */
	const char *error;
	/* dbox: has parts in files of their own (mail_attachment). */
	bool has_attachment_refs;
};

/* Opens name in dir_fd, which must be a regular file and no symlink, and reads
   its beginning. Returns 1 if opened, 0 if there is none (any more), -1 on
   error. Texts are allocated from the data stack. */
int mail_file_open(int dir_fd, const char *name, enum storage_format format,
		   struct mail_file *file_r, const char **error_r);
void mail_file_close(struct mail_file *file);

/* Is it the name of a mail in a directory of the format? */
bool mail_file_name_is_mail(enum storage_format format, const char *name);
bool mail_file_name_is_temp(enum storage_format format, const char *name);

/* Writes the file anew to out_fd, which is empty, or of mdbox the record, at
   the position of out_fd: the mail by way of key (NULL if it is plain) to pub,
   everything else as it is; sizes that the format itself stores are put right.
   A mail of no bytes remains one, which is plain. Returns 0, or -1 on error. */
int mail_file_rewrite(const struct mail_file *file,
		      struct dcrypt_private_key *key, const char *algorithm,
		      struct dcrypt_public_key *pub, int out_fd,
		      struct mail_cipher_result *result_r,
		      const char **error_r);
/* Sets mode, owner and times of what has been written, as they are in st.
   Returns 0, or -1 on error. */
int mail_file_copy_attributes(const struct stat *st, int out_fd,
			      const char **error_r);

/* How an mdbox file begins. */
struct mail_file_line {
	unsigned int version;
	size_t size;
	unsigned int message_header_size;
	/* Number of the file it was written in place of, or 0. */
	uint32_t source;
};

/* Returns 1, 0 if it begins otherwise (error_r says why), -1 if it could not be
   read. */
int mail_file_read_line(int fd, struct mail_file_line *line_r,
			const char **error_r);
/* Writes it for a file that is to take the place of the source. Returns 0, or
   -1 on error. */
int mail_file_write_line(int fd, const struct mail_file_line *line,
			 uint32_t source, int out_fd, const char **error_r);
/* One mail of an mdbox file, the descriptor of which stays the caller's.
   Returns 0, or -1 if it could not be read. */
int mail_file_open_record(int fd, const struct stat *st,
			  const struct mail_file_line *line, uoff_t offset,
			  uoff_t size, struct mail_file *file_r,
			  const char **error_r);
/* Writes the record as it is. Returns 0, or -1 on error. */
int mail_file_copy_record(const struct mail_file *file, int out_fd,
			  const char **error_r);

#endif
