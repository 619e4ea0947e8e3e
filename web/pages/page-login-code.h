#ifndef PAGE_LOGIN_CODE_H
#define PAGE_LOGIN_CODE_H

#include "page.h"

/* GET and POST /login/code */
page_handler_t page_login_code;

#endif
