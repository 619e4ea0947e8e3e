#ifndef PAGE_DEVICE_H
#define PAGE_DEVICE_H

/* The browser at hand as one its account knows (known-device.h), and its
   cookie. Functions return 0, or -1 with an error for page_failed(). */

#include <stdint.h>

struct page;

/* Somebody has logged in: in the transaction of that. */
int page_device_log_in(struct page *page, uint64_t account_id,
		       const char **error_r);
/* All others are unknown from now on: a log-in with one is told. */
int page_device_forget_others(struct page *page, const char **error_r);
/* The cookie's token, NULL if the browser has none, or none of ours. */
const char *page_device_token(const struct page *page);

#endif
