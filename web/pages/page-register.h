#ifndef PAGE_REGISTER_H
#define PAGE_REGISTER_H

#include "page.h"

enum page_result page_register(struct page *page);
enum page_result page_register_confirm(struct page *page);

#endif
