#ifndef PAGE_LANGUAGE_H
#define PAGE_LANGUAGE_H

#include "page.h"

/* POST /language */
page_handler_t page_language;

#endif
