#ifndef PAGE_ADMINISTRATION_H
#define PAGE_ADMINISTRATION_H

/* Where super admins begin. */

#include "page.h"

/* GET /administration */
enum page_result page_administration(struct page *page);

#endif
