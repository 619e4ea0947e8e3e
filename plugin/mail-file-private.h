#ifndef MAIL_FILE_PRIVATE_H
#define MAIL_FILE_PRIVATE_H

#include "mail-file.h"

/* What comes before the mail is never longer. */
#define MAIL_FILE_DBOX_HEADER_MAX 256

/* data is how the file begins. Sets where record and mail are, and
   has_attachment_refs. Returns 1 if it is an sdbox file, 0 if not (error_r says
   why), -1 if it could not be read. */
int mail_file_sdbox_parse(struct mail_file *file, const unsigned char *data,
			  size_t size, const char **error_r);
/* The same of a record, the place of which is known; data is how it begins. */
int mail_file_dbox_parse(struct mail_file *file, unsigned int header_size,
			 const unsigned char *data, size_t size,
			 const char **error_r);
/* Write what comes before the mail, and after it. The size in front of it,
   which is known only then, is put right. Return 0, or -1 on error. */
int mail_file_dbox_begin(const struct mail_file *file, int out_fd,
			 uoff_t *size_offset_r, const char **error_r);
int mail_file_dbox_finish(const struct mail_file *file, int out_fd,
			  uoff_t size_offset,
			  const struct mail_cipher_result *result,
			  const char **error_r);

#endif
