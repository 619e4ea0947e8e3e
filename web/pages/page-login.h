#ifndef PAGE_LOGIN_H
#define PAGE_LOGIN_H

#include "page.h"

/* GET and POST /login */
page_handler_t page_login;

#endif
