#ifndef PAGE_ALIAS_H
#define PAGE_ALIAS_H

/* Aliases of a mailbox. Who may not see the mailbox gets 404. */

#include "page.h"

/* GET, POST /alias/add?mailbox= */
page_handler_t page_alias_add;
/* GET, POST /alias/rename?mailbox=&id= */
page_handler_t page_alias_rename;
/* GET, POST /alias/delete?mailbox=&id= */
page_handler_t page_alias_delete;

#endif
