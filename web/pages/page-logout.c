#include "page-logout.h"
#include "account.h"
#include "log.h"
#include "page-notice.h"
#include "page-session.h"

#include <stddef.h>

enum page_result page_logout(struct page *page)
{
	const char *error;

	if (page_session_end(page, &error) < 0)
		return page_failed(page, error);
	log_event(LOG_LEVEL_INFO, "logout", "account",
		  page->account == NULL ? NULL : page->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_notice_set(page, PAGE_NOTICE_LOGGED_OUT, NULL, NULL);
	return page_redirect(page, "/login");
}
