#include "page-accounts.h"
#include "arena.h"
#include "domain.h"
#include "page-domain-choice.h"

#include <strings.h>

/* Of an account, that are shown. */
#define NAMES_MAX 500

static bool has(const struct domain_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (strcasecmp(list->domains[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Only what it has not already can be given. */
static void fill(struct page *page, const struct domain_list *list,
		 const struct page_domain_choice *choice,
		 struct view_accounts_domains *v)
{
	struct view_accounts_domain *names = arena_new(page->arena,
		struct view_accounts_domain, list->count + 1);
	struct view_domain_choice *others = arena_new(page->arena,
		struct view_domain_choice, choice->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++)
		names[i].name = list->domains[i].name;
	v->names = names;
	v->names_count = (unsigned int)list->count;
	for (i = 0; i < choice->count; i++) {
		if (!has(list, choice->rows[i].name))
			others[v->domains_count++] = choice->rows[i];
	}
	v->domains = others;
	v->has_more_domains = choice->has_more;
	v->more_domains = choice->more;
}

static enum page_result show(struct accounts_page *a,
			     const struct page_domain_choice *choice)
{
	struct page *page = a->page;
	struct view_accounts_domains v = {
		.subject = a->subject,
		.is_super_admin = a->details.account->role ==
			ACCOUNT_ROLE_SUPER_ADMIN,
	};
	struct domain_list list;
	const char *error;

	if (domain_list_names(page->db, page->arena, a->details.account->id,
			      NAMES_MAX, &list, &error) < 0)
		return page_failed(page, error);
	fill(page, &list, choice, &v);
	return page_show(page, view_accounts_domains, &a->errors, &v);
}

static enum page_result change(struct accounts_page *a,
			       const struct page_domain_choice *choice,
			       bool take)
{
	struct page *page = a->page;
	enum administration_result changed;
	enum page_result result;
	const char *error;

	if (administration_set_domains(page->db, page->arena,
				       page->account->id,
				       a->details.account->id, choice->json,
				       take, &changed, &error) < 0)
		return page_failed(page, error);
	/* there may be more of them */
	a->next = "/accounts/domains";
	return accounts_is_answered(a, take ? "account-domains-taken" :
				    "account-domains-given", changed,
				    &result) ?
		result : show(a, choice);
}

/* take is of one, as a box that is ticked. */
static enum page_result answer(struct page *page, bool take)
{
	struct page_domain_choice choice;
	enum page_result result;
	struct accounts_page a;
	const char *error;

	if (!accounts_begin(page, &a, &result))
		return result;
	if (page_domain_choice(page, "", &choice, &error) < 0)
		return page_failed(page, error);
	return page->request->method == HTTP_METHOD_POST ?
		change(&a, &choice, take) : show(&a, &choice);
}

enum page_result page_accounts_domains(struct page *page)
{
	return answer(page, false);
}

enum page_result page_accounts_domains_take(struct page *page)
{
	return answer(page, true);
}
