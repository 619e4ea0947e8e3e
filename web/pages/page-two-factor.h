#ifndef PAGE_TWO_FACTOR_H
#define PAGE_TWO_FACTOR_H

#include "page.h"

/* GET and POST /account/two-factor */
page_handler_t page_two_factor;

struct page_errors;

/* The page of one that is on. */
enum page_result page_two_factor_show(struct page *page,
				      const struct page_errors *errors);

#endif
