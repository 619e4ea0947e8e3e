#include "page-root.h"

enum page_result page_root(struct page *page)
{
	return page_redirect(page, page->account == NULL ? "/login" : "/home");
}
