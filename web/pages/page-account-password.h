#ifndef PAGE_ACCOUNT_PASSWORD_H
#define PAGE_ACCOUNT_PASSWORD_H

#include "page.h"

/* GET and POST /account/password */
page_handler_t page_account_password;

#endif
