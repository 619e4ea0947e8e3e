#ifndef PAGE_HOME_H
#define PAGE_HOME_H

#include "page.h"

/* GET /home */
page_handler_t page_home;

#endif
