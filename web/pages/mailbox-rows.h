#ifndef MAILBOX_ROWS_H
#define MAILBOX_ROWS_H

/* Mailboxes as lists show them. */

struct mailbox_list;
struct page;
struct view_mailbox_row;

/* As many as the list has, in the arena. Returns 0, or -1 with an error for
   page_failed(). */
int mailbox_rows(struct page *page, const struct mailbox_list *list,
		 const struct view_mailbox_row **rows_r, const char **error_r);

#endif
