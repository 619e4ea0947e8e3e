#ifndef PAGE_RESERVED_H
#define PAGE_RESERVED_H

/* Addresses of deleted mailboxes, which nobody gets for a time, for super
   admins. */

#include "page.h"

/* GET /reserved-addresses */
enum page_result page_reserved(struct page *page);
/* POST /reserved-addresses/free */
enum page_result page_reserved_free(struct page *page);

#endif
