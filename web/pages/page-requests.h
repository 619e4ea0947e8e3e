#ifndef PAGE_REQUESTS_H
#define PAGE_REQUESTS_H

/* What was asked of the mail host, for super admins. */

#include "page.h"

/* GET /requests */
enum page_result page_requests(struct page *page);
/* POST /requests/cancel, /requests/retry */
enum page_result page_requests_cancel(struct page *page);
enum page_result page_requests_retry(struct page *page);

#endif
