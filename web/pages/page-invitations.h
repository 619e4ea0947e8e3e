#ifndef PAGE_INVITATIONS_H
#define PAGE_INVITATIONS_H

#include "page.h"

enum page_result page_invitations(struct page *page);
enum page_result page_invitations_end(struct page *page);

#endif
