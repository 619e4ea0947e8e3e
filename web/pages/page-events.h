#ifndef PAGE_EVENTS_H
#define PAGE_EVENTS_H

/* Who did what, when: the history of everybody, for super admins. */

#include "page.h"

/* GET /events */
enum page_result page_events(struct page *page);

#endif
