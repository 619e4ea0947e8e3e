#ifndef PAGE_WINDOW_H
#define PAGE_WINDOW_H

/* How far the change of a mailbox's password is. */

#include "page.h"

/* GET /mailbox/window?address= */
page_handler_t page_window;
/* GET /mailbox/progress?address=, the same as JSON: views-mailbox.h says which
   members it has. */
page_handler_t page_window_progress;

#endif
