#ifndef PAGE_LIMIT_H
#define PAGE_LIMIT_H

/* Limits on how often something may be tried, before anything slow is done for
   it. */

#include "page.h"

#include <stdbool.h>

struct settings_rate;

/* Takes one of what a subject may try: rate_limit_take(). Returns false if
   there is none left, or that cannot be known; then the answer is made, and
   *result_r is to be returned. */
bool page_limit(struct page *page, const char *name, const char *subject,
		const struct settings_rate *rate, enum page_result *result_r);
/* The same with the client's network as the subject. */
bool page_limit_client(struct page *page, const char *name,
		       const struct settings_rate *rate,
		       enum page_result *result_r);
/* The same with the account that is logged in, or about to be. */
bool page_limit_account(struct page *page, const char *name,
			const struct settings_rate *rate,
			enum page_result *result_r);

#endif
