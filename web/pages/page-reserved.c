#include "page-reserved.h"
#include "account.h"
#include "administration.h"
#include "arena.h"
#include "log.h"
#include "names.h"
#include "page-frame.h"
#include "page-notice.h"
#include "reserved-address.h"
#include "views-administration.h"

#include <string.h>

#define PATH "/reserved-addresses"

static void fill(struct page *page, const struct reserved_address_list *list,
		 struct view_reserved_addresses *v)
{
	struct view_reserved_address *rows = arena_new(page->arena,
		struct view_reserved_address, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++)
		rows[i] = (struct view_reserved_address){
			.address = list->addresses[i].address,
			.removed = list->addresses[i].removed,
			.until = list->addresses[i].until,
		};
	v->addresses = rows;
	v->addresses_count = (unsigned int)list->count;
}

enum page_result page_reserved(struct page *page)
{
	const char *search = page_query(page, "search");
	const char *after = page_query(page, "after"), *error;
	struct view_reserved_addresses v = {
		.search = search[0] == '\0' ? NULL : search,
		.is_later_page = after[0] != '\0',
	};
	struct reserved_address_list list;
	bool more;

	if (reserved_address_list(page->db, page->arena, search, after, &list,
				  &more, &error) < 0)
		return page_failed(page, error);
	fill(page, &list, &v);
	if (more)
		v.next = list.addresses[list.count - 1].address;
	return page_show(page, view_reserved_addresses, NULL, &v);
}

/* One that is free meanwhile is not on the list any more, which says it. */
enum page_result page_reserved_free(struct page *page)
{
	const char *address = page_field(page, "address"), *error;
	enum administration_result freed = ADMINISTRATION_NOT_FOUND;

	if (strlen(address) <= NAME_ADDRESS_MAX &&
	    administration_free_address(page->db, page->arena,
					page->account->id, address, &freed,
					&error) < 0)
		return page_failed(page, error);
	if (freed == ADMINISTRATION_DONE) {
		log_event(LOG_LEVEL_INFO, "address-freed",
			  "account", page->account->email,
			  "address", address,
			  "client", page->request->client_address,
			  "request", page->request->id, NULL);
		page_notice_set(page, PAGE_NOTICE_ADDRESS_FREED, address,
				NULL);
	}
	return page_redirect(page, PATH);
}
