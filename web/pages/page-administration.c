#include "page-administration.h"
#include "account-list.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-frame.h"
#include "views-administration.h"

enum page_result page_administration(struct page *page)
{
	struct view_administration v;
	struct account_counts counts;
	const char *error;

	if (account_list_count(page->db, page->arena, &counts, &error) < 0 ||
	    mailbox_request_count(page->db, page->arena,
				  MAILBOX_FAILURE_DAYS * 24 * 3600,
				  &v.requests_open, &v.requests_failed,
				  &error) < 0)
		return page_failed(page, error);
	v.accounts = counts.accounts;
	v.accounts_off = counts.not_active;
	v.domains = counts.domains;
	v.waiting = counts.waiting;
	v.reserved = counts.reserved;
	return page_show(page, view_administration, NULL, &v);
}
