#include "page-home.h"
#include "account.h"
#include "arena.h"
#include "domain.h"
#include "heartbeat.h"
#include "mailbox-request.h"
#include "mailbox-rows.h"
#include "mailbox.h"
#include "own-lists.h"
#include "page-frame.h"
#include "settings.h"
#include "views-list.h"

#include <strings.h>

/* A page of a super admin's; and all that others are shown. */
#define DOMAINS_PAGE 50
#define DOMAINS_MAX 500

static struct view_domain_row *domain_rows(struct page *page,
					   const struct domain_list *list,
					   bool can_create)
{
	struct view_domain_row *rows =
		arena_new(page->arena, struct view_domain_row, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++) {
		rows[i].name = list->domains[i].name;
		rows[i].mailboxes = list->domains[i].mailboxes;
		rows[i].can_create = can_create;
	}
	return rows;
}

/* Without a mail host nothing that is asked for is done. */
static int look_for_host(struct page *page, struct view_home *v,
			 const char **error_r)
{
	uint64_t age_secs;
	int ret;

	ret = heartbeat_find_lately(page->db, page->arena, &page->set->seal_key,
				    &age_secs, error_r);
	if (ret > 0 && age_secs > HEARTBEAT_MAX_SECS)
		v->host_silent_since = page->now - age_secs;
	return ret;
}

/* Who runs this is told what to mend. */
static int look_for_trouble(struct page *page, struct view_home *v,
			    const char **error_r)
{
	struct heartbeat_trouble trouble;
	struct heartbeat heartbeat;
	int ret;

	ret = heartbeat_find(page->db, page->arena, &page->set->seal_key, NULL,
			     &heartbeat, error_r);
	if (ret < 0 ||
	    heartbeat_find_trouble(page->db, page->arena, &page->set->seal_key,
				   &trouble, error_r) < 0)
		return -1;
	v->host_unknown = ret == 0;
	v->host_other_key = trouble.other_key_hosts;
	if (ret > 0 && !heartbeat.opens_seals && v->host_other_key == NULL)
		v->host_other_key = heartbeat.host;
	v->hosts_silent = trouble.silent_hosts;
	v->hosts_nameless = trouble.nameless_missing;
	return mailbox_request_count(page->db, page->arena,
				     MAILBOX_FAILURE_DAYS * 24 * 3600,
				     &v->requests_open, &v->requests_failed,
				     error_r);
}

/* Of those that are there, not only reserved. */
static void count_mailboxes(const struct mailbox_list *mailboxes,
			    struct domain_list *domains)
{
	size_t i, j;

	for (i = 0; i < mailboxes->count; i++) {
		for (j = 0; mailboxes->mailboxes[i].exists &&
		     j < domains->count; j++) {
			if (strcasecmp(mailboxes->mailboxes[i].domain,
				       domains->domains[j].name) == 0)
				domains->domains[j].mailboxes++;
		}
	}
}

static int load_own(struct page *page, struct view_home *v,
		    const char **error_r)
{
	const struct account *account = page->account;
	struct mailbox_list mailboxes;
	struct domain_list domains;

	if (own_lists_load(page->db, page->arena, account, DOMAINS_MAX,
			   &mailboxes, &domains, error_r) < 0 ||
	    mailbox_rows(page, &mailboxes, &v->mailboxes, error_r) < 0)
		return -1;
	count_mailboxes(&mailboxes, &domains);
	v->mailboxes_max = account->max_mailboxes == ACCOUNT_LIMIT_DEFAULT ?
		page->set->max_mailboxes : account->max_mailboxes;
	v->mailboxes_count = (unsigned int)mailboxes.count;
	v->domains = domain_rows(page, &domains,
				 mailboxes.count < v->mailboxes_max);
	v->domains_count = (unsigned int)domains.count;
	return 0;
}

static int load_all(struct page *page, struct view_home *v,
		    const char **error_r)
{
	const char *after = page_query(page, "after");
	const char *search = page_query(page, "search");
	struct mailbox_list mailboxes = { .count = 0 };
	struct domain_list domains;
	bool more;

	if (domain_list(page->db, page->arena, page->account, search, after,
			DOMAINS_PAGE + 1, &domains, error_r) < 0)
		return -1;
	if (search[0] != '\0' &&
	    mailbox_search(page->db, page->arena, page->account, search,
			   &mailboxes, &more, error_r) < 0)
		return -1;
	if (mailbox_rows(page, &mailboxes, &v->mailboxes, error_r) < 0 ||
	    look_for_trouble(page, v, error_r) < 0)
		return -1;
	v->is_super_admin = true;
	v->search = search[0] == '\0' ? NULL : search;
	v->is_later_page = after[0] != '\0';
	if (domains.count > DOMAINS_PAGE) {
		domains.count = DOMAINS_PAGE;
		v->next = domains.domains[DOMAINS_PAGE - 1].name;
	}
	v->domains = domain_rows(page, &domains, true);
	v->domains_count = (unsigned int)domains.count;
	v->mailboxes_count = (unsigned int)mailboxes.count;
	return 0;
}

enum page_result page_home(struct page *page)
{
	struct view_home v = { .is_super_admin = false };
	const char *error;
	int ret;

	ret = look_for_host(page, &v, &error);
	if (ret >= 0)
		ret = page->account->role == ACCOUNT_ROLE_SUPER_ADMIN ?
			load_all(page, &v, &error) : load_own(page, &v, &error);
	if (ret < 0)
		return page_failed(page, error);
	return page_show(page, view_home, NULL, &v);
}
