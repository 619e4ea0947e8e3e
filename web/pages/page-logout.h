#ifndef PAGE_LOGOUT_H
#define PAGE_LOGOUT_H

#include "page.h"

/* POST /logout */
page_handler_t page_logout;

#endif
