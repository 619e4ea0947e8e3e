#ifndef PAGE_MAILBOX_H
#define PAGE_MAILBOX_H

/* Pages of one mailbox. Who may not see it gets the answer of a mailbox that
   does not exist: 404. */

#include "page.h"

/* GET /mailbox?address= */
page_handler_t page_mailbox;
/* GET, POST /mailbox/create?domain= */
page_handler_t page_mailbox_create;
/* GET, POST /mailbox/password?address= */
page_handler_t page_mailbox_password;
/* GET, POST /mailbox/delete?address= */
page_handler_t page_mailbox_delete;
/* POST /mailbox/delete/cancel, /mailbox/cancel: the deletion, or whatever else
   was asked for and nobody works on yet. */
page_handler_t page_mailbox_delete_cancel;
page_handler_t page_mailbox_cancel;
/* GET, POST /mailbox/owner?address=, for super admins. */
page_handler_t page_mailbox_owner;

#endif
