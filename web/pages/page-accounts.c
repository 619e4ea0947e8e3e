#include "page-accounts.h"
#include "arena.h"
#include "domain.h"
#include "event.h"
#include "log.h"
#include "mailbox-rows.h"
#include "mailbox.h"
#include "page-mailbox-common.h"
#include "page-mailbox-words.h"
#include "page-moderation.h"
#include "page-notice.h"
#include "session.h"
#include "settings.h"

#include <inttypes.h>

/* Of the page of one account. */
#define DOMAINS_SHOWN 5
#define DOMAINS_MAX 500
#define ACTS_MAX 20

#define PATH "/accounts/account"

enum view_role accounts_role(enum account_role role)
{
	switch (role) {
	case ACCOUNT_ROLE_SUPER_ADMIN:
		return VIEW_ROLE_SUPER_ADMIN;
	case ACCOUNT_ROLE_ADMIN:
		return VIEW_ROLE_ADMIN;
	case ACCOUNT_ROLE_USER:
	case ACCOUNT_ROLE_COUNT:
		break;
	}
	return VIEW_ROLE_USER;
}

static const char *id_text(struct page *page, uint64_t id)
{
	return arena_printf(page->arena, "%" PRIu64, id);
}

/* ---- the list */

static void fill_rows(struct page *page, const struct account_list *list,
		      struct view_accounts *v)
{
	struct view_accounts_row *rows = arena_new(page->arena,
		struct view_accounts_row, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct account_details *from = &list->accounts[i];

		rows[i] = (struct view_accounts_row){
			.id = id_text(page, from->account->id),
			.email = from->account->email,
			.role = accounts_role(from->account->role),
			.is_active = from->active,
			.mailboxes = from->mailboxes,
			.seen = from->seen,
		};
	}
	v->accounts = rows;
	v->accounts_count = (unsigned int)list->count;
}

enum page_result page_accounts(struct page *page)
{
	const char *search = page_query(page, "search");
	const char *after = page_query(page, "after"), *error;
	struct view_accounts v = {
		.search = search[0] == '\0' ? NULL : search,
		.is_later_page = after[0] != '\0',
	};
	struct account_list list;
	bool more;

	if (account_list(page->db, page->arena, search, after, &list, &more,
			 &error) < 0)
		return page_failed(page, error);
	fill_rows(page, &list, &v);
	if (more)
		v.next = list.accounts[list.count - 1].account->email;
	return page_show(page, view_accounts, NULL, &v);
}

/* ---- what those of one account share */

static int find(struct accounts_page *a, uint64_t id, const char **error_r)
{
	struct page *page = a->page;
	int ret;

	ret = account_list_find(page->db, page->arena, id, &a->details,
				error_r);
	if (ret > 0)
		a->subject = (struct view_accounts_subject){
			.id = id_text(page, id),
			.email = a->details.account->email,
			.is_own = id == page->account->id,
		};
	return ret;
}

bool accounts_begin(struct page *page, struct accounts_page *a_r,
		    enum page_result *result_r)
{
	const bool post = page->request->method == HTTP_METHOD_POST;
	const char *error;
	uint64_t id;
	int ret = 0;

	*a_r = (struct accounts_page){ .page = page, .next = PATH };
	if (page_moderation_number(post ? page_field(page, "id") :
				   page_query(page, "id"), 1, INT64_MAX, &id))
		ret = find(a_r, id, &error);
	if (ret < 0)
		*result_r = page_failed(page, error);
	else if (ret == 0)
		*result_r = page_error(page, 404);
	return ret > 0;
}

static void add_wrong(struct accounts_page *a,
		      enum administration_result changed)
{
	const struct page *page = a->page;

	if (changed == ADMINISTRATION_SELF)
		page_errors_add(&a->errors, NULL, language_text(page->arena,
			page->language, MSG_wrong_self));
	else if (changed == ADMINISTRATION_BUSY)
		page_errors_add(&a->errors, NULL, language_text(page->arena,
			page->language, MSG_wrong_account_busy));
	else if (changed == ADMINISTRATION_DOMAINS)
		page_errors_add(&a->errors, "domains", language_text(
			page->arena, page->language, MSG_wrong_domains_give));
	else
		page_errors_add(&a->errors, NULL, language_text(page->arena,
			page->language, MSG_wrong_stale));
}

bool accounts_is_answered(struct accounts_page *a, const char *event,
			  enum administration_result changed,
			  enum page_result *result_r)
{
	struct page *page = a->page;
	const char *error;
	int ret;

	if (changed == ADMINISTRATION_DONE) {
		log_event(LOG_LEVEL_INFO, event,
			  "account", page->account->email,
			  "subject", a->subject.email,
			  "client", page->request->client_address,
			  "request", page->request->id, NULL);
		page_notice_set(page, PAGE_NOTICE_ACCOUNT_CHANGED,
				a->subject.email, NULL);
	}
	if (changed == ADMINISTRATION_DONE ||
	    changed == ADMINISTRATION_UNCHANGED) {
		*result_r = page_redirect(page, page_mailbox_url(page, a->next,
			"id", a->subject.id, NULL));
		return true;
	}
	if (changed == ADMINISTRATION_NOT_FOUND ||
	    changed == ADMINISTRATION_MALFORMED) {
		*result_r = page_error(page, changed ==
				       ADMINISTRATION_MALFORMED ? 400 : 404);
		return true;
	}
	ret = find(a, a->details.account->id, &error);
	if (ret > 0) {
		add_wrong(a, changed);
		return false;
	}
	*result_r = ret < 0 ? page_failed(page, error) : page_error(page, 404);
	return true;
}

/* ---- one account */

static int fill_domains(struct page *page, struct view_accounts_account *v,
			uint64_t id, const char **error_r)
{
	struct domain_list list;
	size_t i;

	if (domain_list_names(page->db, page->arena, id, DOMAINS_MAX, &list,
			      error_r) < 0)
		return -1;
	for (i = 0; i < list.count && i < DOMAINS_SHOWN; i++)
		v->domains = i == 0 ? list.domains[0].name :
			arena_printf(page->arena, "%s, %s", v->domains,
				     list.domains[i].name);
	v->domains_more = (unsigned int)(list.count - i);
	return 0;
}

static int fill_mailboxes(struct page *page, struct view_accounts_account *v,
			  const struct account *account,
			  const char **error_r)
{
	struct mailbox_list list;

	if (mailbox_list_own(page->db, page->arena, account, &list,
			     error_r) < 0 ||
	    mailbox_rows(page, &list, &v->mailboxes, error_r) < 0)
		return -1;
	v->mailboxes_count = (unsigned int)list.count;
	return mailbox_count(page->db, page->arena, account->id,
			     &v->mailboxes_used, error_r);
}

static int fill_acts(struct page *page, struct view_accounts_account *v,
		     const char *email, const char **error_r)
{
	struct event_list list;
	struct view_accounts_act *acts;
	const char *actor;
	size_t i;

	if (event_list_acts(page->db, page->arena, email, ACTS_MAX, &list,
			    error_r) < 0)
		return -1;
	acts = arena_new(page->arena, struct view_accounts_act,
			 list.count + 1);
	for (i = 0; i < list.count; i++) {
		struct view_accounts_act *act = &acts[v->acts_count];

		act->time = list.events[i].created;
		act->address = list.events[i].address;
		event_words(page, &list.events[i], &act->text, &actor);
		if (act->text != NULL)
			v->acts_count++;
	}
	v->acts = acts;
	return 0;
}

static int fill(struct page *page, struct view_accounts_account *v,
		const struct account *account, const char **error_r)
{
	struct session_list sessions;

	if (session_list(page->db, page->arena, account->id,
			 page->set->session_idle_secs, &sessions,
			 error_r) < 0 ||
	    fill_domains(page, v, account->id, error_r) < 0 ||
	    fill_mailboxes(page, v, account, error_r) < 0 ||
	    fill_acts(page, v, account->email, error_r) < 0)
		return -1;
	v->sessions = (unsigned int)sessions.count;
	v->mailboxes_max = account->max_mailboxes == ACCOUNT_LIMIT_DEFAULT ?
		page->set->max_mailboxes : account->max_mailboxes;
	v->aliases_max = account->max_aliases == ACCOUNT_LIMIT_DEFAULT ?
		page->set->max_aliases : account->max_aliases;
	return 0;
}

enum page_result page_accounts_account(struct page *page)
{
	struct view_accounts_account v = { .domains = NULL };
	enum page_result result;
	struct accounts_page a;
	const char *error;

	if (!accounts_begin(page, &a, &result))
		return result;
	v.subject = a.subject;
	v.role = accounts_role(a.details.account->role);
	v.is_active = a.details.active;
	v.has_password = a.details.has_password;
	v.seen = a.details.seen;
	v.created = a.details.created;
	v.password_changed = a.details.password_changed;
	v.two_factor_since = a.details.two_factor_since;
	if (fill(page, &v, a.details.account, &error) < 0)
		return page_failed(page, error);
	return page_show(page, view_accounts_account, NULL, &v);
}
