#include "page-domain.h"
#include "account.h"
#include "domain.h"
#include "mailbox-rows.h"
#include "mailbox.h"
#include "page-frame.h"
#include "settings.h"
#include "views-list.h"

static int load(struct page *page, struct view_domain *v, const char **error_r)
{
	const struct mailbox_query query = {
		.domain = v->name,
		.search = v->search,
		.sort = mailbox_sort_parse(http_request_query(page->request,
							      "sort")),
		.after = page_query(page, "after"),
	};
	struct mailbox_list list;
	uint64_t own;
	bool more;

	if (mailbox_list_domain(page->db, page->arena, page->account, &query,
				&list, &more, error_r) < 0 ||
	    mailbox_count_domain(page->db, page->arena, page->account, &query,
				 &v->found, error_r) < 0 ||
	    mailbox_count(page->db, page->arena, page->account->id, &own,
			  error_r) < 0 ||
	    mailbox_rows(page, &list, &v->mailboxes, error_r) < 0)
		return -1;
	v->mailboxes_count = (unsigned int)list.count;
	v->sort = (enum view_domain_sort)query.sort;
	v->sort_name = mailbox_sort_name(query.sort);
	v->next = more ? list.mailboxes[list.count - 1].address : NULL;
	v->is_later_page = query.after[0] != '\0';
	v->can_create = page->account->role == ACCOUNT_ROLE_SUPER_ADMIN ||
		own < (page->account->max_mailboxes == ACCOUNT_LIMIT_DEFAULT ?
		       page->set->max_mailboxes : page->account->max_mailboxes);
	return 0;
}

enum page_result page_domain(struct page *page)
{
	const char *name = http_request_query(page->request, "name");
	const char *search = page_query(page, "search");
	struct view_domain v = { .search = search[0] == '\0' ? NULL : search };
	struct domain domain;
	const char *error;
	int ret = 0;

	/* Both enumerate the same orders. */
	_Static_assert((int)VIEW_SORT_QUOTA_DOWN == (int)MAILBOX_SORT_QUOTA_DOWN,
		       "orders of mailboxes");
	if (name != NULL)
		ret = domain_find(page->db, page->arena, page->account, name,
				  &domain, &error);
	if (ret > 0) {
		v.name = domain.name;
		ret = load(page, &v, &error) < 0 ? -1 : 1;
	}
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_error(page, 404);
	return page_show(page, view_domain, NULL, &v);
}
