#ifndef PAGE_DOMAIN_H
#define PAGE_DOMAIN_H

#include "page.h"

/* GET /domain?name=&search=&sort=&after= */
page_handler_t page_domain;

#endif
