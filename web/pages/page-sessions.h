#ifndef PAGE_SESSIONS_H
#define PAGE_SESSIONS_H

#include "page.h"

/* GET /account/sessions */
page_handler_t page_sessions;
/* POST /account/sessions/end */
page_handler_t page_sessions_end;

#endif
