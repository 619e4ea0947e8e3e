#ifndef PAGE_FORGOTTEN_H
#define PAGE_FORGOTTEN_H

#include "page.h"

/* GET and POST /password/forgotten */
page_handler_t page_forgotten;

#endif
