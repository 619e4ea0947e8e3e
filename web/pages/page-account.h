#ifndef PAGE_ACCOUNT_H
#define PAGE_ACCOUNT_H

#include "page.h"

/* GET /account */
page_handler_t page_account;

#endif
