#ifndef REQUEST_PROGRESS_H
#define REQUEST_PROGRESS_H

/* How far the re-encryption of stored mail is, in words. Allocated from the
   data stack. */

struct request_row;

/* Percent of the bytes, or of the mails if they have none; 0 before there is
   anything to count. */
unsigned int request_progress_percent(const struct request_row *row);
/* "812 of 2200 mails, 45 of 112 MiB (40%), 34.0 MiB/s, ends 14:31:05"; empty if
   it has not begun. */
const char *request_progress_text(const struct request_row *row);

#endif
