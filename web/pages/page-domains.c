#include "page-domains.h"
#include "account.h"
#include "administration.h"
#include "arena.h"
#include "domain-list.h"
#include "log.h"
#include "names.h"
#include "page-frame.h"
#include "page-notice.h"
#include "settings.h"
#include "views-administration.h"

#include <string.h>

#define PATH "/domains"
#define NAME_SIZE 254

struct form {
	struct page *page;
	struct page_errors errors;
	struct domain_counts counts;
};

static bool is_post(const struct page *page)
{
	return page->request->method == HTTP_METHOD_POST;
}

/* ---- the list */

static void fill(struct page *page, const struct domain_counts_list *list,
		 struct view_domains *v)
{
	struct view_domains_row *rows = arena_new(page->arena,
		struct view_domains_row, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++)
		rows[i] = (struct view_domains_row){
			.name = list->domains[i].name,
			.mailboxes = list->domains[i].mailboxes,
			.aliases = list->domains[i].aliases,
			.accounts = list->domains[i].accounts,
			.can_remove = page->set->manage_domains &&
				list->domains[i].mailboxes == 0 &&
				list->domains[i].aliases == 0,
		};
	v->domains = rows;
	v->domains_count = (unsigned int)list->count;
}

enum page_result page_domains(struct page *page)
{
	const char *search = page_query(page, "search");
	const char *after = page_query(page, "after"), *error;
	struct view_domains v = {
		.can_add = page->set->manage_domains,
		.search = search[0] == '\0' ? NULL : search,
		.is_later_page = after[0] != '\0',
	};
	struct domain_counts_list list;
	bool more;

	if (domain_counts_list(page->db, page->arena, search, after, &list,
			       &more, &error) < 0)
		return page_failed(page, error);
	fill(page, &list, &v);
	if (more)
		v.next = list.domains[list.count - 1].name;
	return page_show(page, view_domains, NULL, &v);
}

/* ---- adding and removing */

static void add_wrong(struct form *form, const char *field, enum message text)
{
	const struct page *page = form->page;

	page_errors_add(&form->errors, field,
			language_text(page->arena, page->language, text));
}

/* Returns true with the page answered. */
static bool is_answered(struct form *form, enum administration_result changed,
			bool add, const char *name, enum page_result *result_r)
{
	struct page *page = form->page;
	const char *field = add ? "name" : NULL;

	switch (changed) {
	case ADMINISTRATION_DONE:
		log_event(LOG_LEVEL_INFO, add ? "domain-added" :
			  "domain-removed", "account", page->account->email,
			  "domain", name,
			  "client", page->request->client_address,
			  "request", page->request->id, NULL);
		page_notice_set(page, add ? PAGE_NOTICE_DOMAIN_ADDED :
				PAGE_NOTICE_DOMAIN_REMOVED, name, NULL);
		*result_r = page_redirect(page, PATH);
		return true;
	case ADMINISTRATION_MALFORMED:
		add_wrong(form, field, MSG_wrong_domain_name);
		return false;
	case ADMINISTRATION_TAKEN:
		add_wrong(form, field, MSG_wrong_domain_taken);
		return false;
	case ADMINISTRATION_USED:
		add_wrong(form, field, MSG_wrong_domain_used);
		return false;
	case ADMINISTRATION_UNSUPPORTED:
		log_warning(page->request->id, "%s failed: the tables of the "
			    "mail server do not allow it", add ?
			    "pymailadmin_domain_add()" :
			    "pymailadmin_domain_remove()");
		add_wrong(form, NULL, MSG_wrong_domain_unsupported);
		return false;
	default:
		*result_r = page_error(page, 404);
		return true;
	}
}

static enum page_result show_add(struct form *form)
{
	struct page *page = form->page;
	const struct view_domains_add v = { .name = page_field(page, "name") };

	return page_show(page, view_domains_add, &form->errors, &v);
}

enum page_result page_domains_add(struct page *page)
{
	enum administration_result changed = ADMINISTRATION_MALFORMED;
	struct form form = { .page = page };
	enum page_result result;
	char name[NAME_SIZE];
	const char *error;

	if (!page->set->manage_domains)
		return page_error(page, 404);
	if (!is_post(page))
		return show_add(&form);
	if (name_normalize(page_field(page, "name"), name, sizeof(name)) &&
	    administration_add_domain(page->db, page->arena,
				      page->account->id, name, &changed,
				      &error) < 0)
		return page_failed(page, error);
	return is_answered(&form, changed, true, name, &result) ? result :
		show_add(&form);
}

static enum page_result show_remove(struct form *form)
{
	const struct view_domains_remove v = {
		.name = form->counts.name, .accounts = form->counts.accounts,
	};

	if (form->errors.count == 0 &&
	    (form->counts.mailboxes > 0 || form->counts.aliases > 0))
		add_wrong(form, NULL, MSG_wrong_domain_used);
	return page_show(form->page, view_domains_remove, &form->errors, &v);
}

enum page_result page_domains_remove(struct page *page)
{
	const char *name = is_post(page) ? page_field(page, "name") :
		page_query(page, "name"), *error;
	enum administration_result changed;
	struct form form = { .page = page };
	enum page_result result;
	int ret = 0;

	if (page->set->manage_domains && strlen(name) < NAME_SIZE)
		ret = domain_counts_find(page->db, page->arena, name,
					 &form.counts, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_error(page, 404);
	if (!is_post(page))
		return show_remove(&form);
	if (administration_remove_domain(page->db, page->arena,
					 page->account->id, form.counts.name,
					 &changed, &error) < 0)
		return page_failed(page, error);
	return is_answered(&form, changed, false, form.counts.name, &result) ?
		result : show_remove(&form);
}
