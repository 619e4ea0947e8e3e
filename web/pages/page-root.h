#ifndef PAGE_ROOT_H
#define PAGE_ROOT_H

#include "page.h"

/* GET / */
page_handler_t page_root;

#endif
