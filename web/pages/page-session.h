#ifndef PAGE_SESSION_H
#define PAGE_SESSION_H

/* Sessions and their cookie. Functions return -1 with an error for
   page_failed(), and 0 if the account is not active any more. */

#include "session.h"

#include <stdint.h>

struct page;

/* A new one, in place of the one the browser had. page->session stays. */
int page_session_create(struct page *page, uint64_t account_id,
			enum session_stage stage, const char **error_r);
/* The code was right: it is a full one from now on. */
int page_session_complete(struct page *page, const char **error_r);
/* Its owner changed password or second factor: it goes on under another id, and
   all others of the account end. */
int page_session_renew(struct page *page, const char **error_r);
/* Ends it. Returns 0. */
int page_session_end(struct page *page, const char **error_r);

#endif
