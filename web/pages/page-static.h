#ifndef PAGE_STATIC_H
#define PAGE_STATIC_H

#include "page.h"

/* GET /static/<name>-<hash>.<ext> */
page_handler_t page_static;

#endif
