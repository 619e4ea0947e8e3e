#ifndef PAGE_RESET_H
#define PAGE_RESET_H

#include "page.h"

/* GET and POST /password/reset */
page_handler_t page_reset;

#endif
