#ifndef MAILBOX_ROWS_H
#define MAILBOX_ROWS_H

/* Mailboxes as lists show them. */

struct mailbox_list;
struct page;
struct view_mailbox_row;

/* As many as the list has, in the arena. */
struct view_mailbox_row *mailbox_rows(struct page *page,
				      const struct mailbox_list *list);

#endif
