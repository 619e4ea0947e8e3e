#include "page-alias.h"
#include "account.h"
#include "alias.h"
#include "arena.h"
#include "mailbox.h"
#include "names.h"
#include "page-limit.h"
#include "page-mailbox-common.h"
#include "page-mailbox-words.h"
#include "page-notice.h"
#include "settings.h"
#include "views.h"

#include <string.h>

/* Who gives names finds out which there are in the domain: not too often. More
   than the aliases of a mailbox. */
static const struct settings_rate name_limit = { 150, 3600 };

struct alias_page {
	struct page *page;
	struct page_errors errors;
	struct mailbox *mailbox;
	/* The one to be renamed or deleted. */
	struct alias alias;
	/* As typed, or NULL to take that of the alias. */
	const char *name;
};

static bool is_post(const struct page *page)
{
	return page->request->method == HTTP_METHOD_POST;
}

static const char *argument(const struct page *page, const char *name)
{
	return is_post(page) ? page_field(page, name) : page_query(page, name);
}

/* Finds the mailbox and, with_id, its alias. Returns false if the page is
   answered. */
static bool begin(struct page *page, bool with_id, struct alias_page *a,
		  enum page_result *result_r)
{
	const char *error;
	int ret = 1;

	memset(a, 0, sizeof(*a));
	a->page = page;
	if (!page_mailbox_find(page, argument(page, "mailbox"), &a->mailbox,
			       result_r))
		return false;
	if (with_id)
		ret = alias_find(page->db, page->arena, a->mailbox->address,
				 argument(page, "id"), &a->alias, &error);
	if (ret < 0)
		*result_r = page_failed(page, error);
	else if (ret == 0)
		*result_r = page_error(page, 404);
	else if (!a->mailbox->exists)
		*result_r = page_mailbox_redirect(page, a->mailbox->address);
	else
		return true;
	return false;
}

/* The whole address of a name that was typed, or false with what is wrong with
   it in the form. */
static bool read_source(struct alias_page *a, bool may_catch_all,
			char source_r[NAME_ADDRESS_MAX + 1])
{
	const bool super_admin = page_mailbox_is_super_admin(a->page);
	char local[NAME_LOCAL_MAX + 1];
	enum name_fault fault = NAME_TOO_LONG;
	struct name_rules rules;

	page_mailbox_name_rules(a->page, a->page->set->alias_name_min, &rules);
	if (a->name[0] == '\0' && may_catch_all && super_admin &&
	    strlen(a->mailbox->domain) < NAME_ADDRESS_MAX) {
		source_r[0] = '@';
		memcpy(source_r + 1, a->mailbox->domain,
		       strlen(a->mailbox->domain) + 1);
		return true;
	}
	if (name_normalize(a->name, local, sizeof(local)))
		fault = name_check(&rules, local, super_admin);
	if (fault == NAME_OK &&
	    !address_join(local, a->mailbox->domain, source_r))
		fault = NAME_TOO_LONG;
	if (fault != NAME_OK)
		page_errors_add(&a->errors, "name",
				name_fault_words(a->page, &rules, fault));
	return fault == NAME_OK;
}

/* What the database has said: done or gone is answered here, else what is wrong
   stands in the form and false is returned. */
static bool is_answered(struct alias_page *a, enum alias_result result,
			const char *source, enum page_result *result_r)
{
	struct page *page = a->page;

	switch (result) {
	case ALIAS_DONE:
	case ALIAS_UNCHANGED:
		*result_r = page_mailbox_redirect(page, a->mailbox->address);
		return true;
	case ALIAS_NOT_FOUND:
		*result_r = page_error(page, 404);
		return true;
	case ALIAS_TAKEN:
		page_errors_add(&a->errors, "name",
			language_text(page->arena, page->language,
				MSG_wrong_name_taken,
				LANGUAGE_TEXT("address", source)));
		break;
	case ALIAS_LIMIT:
		page_errors_add(&a->errors, NULL,
			language_text(page->arena, page->language,
				MSG_wrong_aliases_full,
				LANGUAGE_NUMBER("max",
					page_mailbox_max_aliases(page))));
		break;
	case ALIAS_MALFORMED:
		page_errors_add(&a->errors, "name",
			language_text(page->arena, page->language,
				      MSG_wrong_name_characters));
		break;
	case ALIAS_BUSY:
		page_errors_add(&a->errors, NULL,
			language_text(page->arena, page->language,
				      MSG_wrong_busy_mailbox));
		break;
	}
	return false;
}

static bool take(struct alias_page *a, enum page_result *result_r)
{
	return page_limit_account(a->page, "alias-name", &name_limit,
				  result_r);
}

/* ---- add */

static enum page_result show_add(struct alias_page *a)
{
	struct page *page = a->page;
	struct view_alias_add v = {
		.mailbox = a->mailbox->address, .domain = a->mailbox->domain,
		.name = a->name,
		.name_min = page->set->alias_name_min,
		.name_max = page->set->name_max,
		.aliases = (unsigned int)a->mailbox->aliases,
		.aliases_max = page_mailbox_max_aliases(page),
		.can_catch_all = page_mailbox_is_super_admin(page),
	};

	struct page_notices notices = { 0 };

	if (v.can_catch_all)
		v.name_min = 1;
	if (!is_post(page) && v.aliases_max > 0 && v.aliases >= v.aliases_max) {
		page_notices_add(&notices, VIEW_NOTICE_WARNING,
			language_text(page->arena, page->language,
				MSG_wrong_aliases_full,
				LANGUAGE_NUMBER("max", v.aliases_max)));
		return page_show_notices(page, view_alias_add, &notices, &v);
	}
	return page_show(page, view_alias_add, &a->errors, &v);
}

enum page_result page_alias_add(struct page *page)
{
	char source[NAME_ADDRESS_MAX + 1];
	enum alias_result added;
	enum page_result result;
	struct alias_page a;
	const char *error;

	if (!begin(page, false, &a, &result))
		return result;
	a.name = is_post(page) ? page_field(page, "name") : NULL;
	if (!is_post(page) || !read_source(&a, true, source))
		return show_add(&a);
	if (!take(&a, &result))
		return result;
	if (alias_add(page->db, page->arena, page->account,
		      a.mailbox->address, source, page->set->max_aliases,
		      &added, &error) < 0)
		return page_failed(page, error);
	if (added == ALIAS_DONE)
		page_notice_set(page, PAGE_NOTICE_ALIAS_ADDED, source, NULL);
	return is_answered(&a, added, source, &result) ? result : show_add(&a);
}

/* ---- rename */

static enum page_result show_rename(struct alias_page *a)
{
	struct page *page = a->page;
	struct view_alias_rename v = {
		.mailbox = a->mailbox->address, .domain = a->mailbox->domain,
		.id = a->alias.id, .address = a->alias.source,
		.name = a->name,
		.name_min = page_mailbox_is_super_admin(page) ? 1 :
			page->set->alias_name_min,
		.name_max = page->set->name_max,
	};
	const char *at = strrchr(a->alias.source, '@');

	if (v.name == NULL)
		v.name = arena_strndup(page->arena, a->alias.source,
				       at == NULL ? 0 :
				       (size_t)(at - a->alias.source));
	return page_show(page, view_alias_rename, &a->errors, &v);
}

enum page_result page_alias_rename(struct page *page)
{
	char source[NAME_ADDRESS_MAX + 1];
	enum alias_result renamed;
	enum page_result result;
	struct alias_page a;
	const char *error;

	if (!begin(page, true, &a, &result))
		return result;
	a.name = is_post(page) ? page_field(page, "name") : NULL;
	if (!is_post(page) || !read_source(&a, false, source))
		return show_rename(&a);
	if (!take(&a, &result))
		return result;
	if (alias_rename(page->db, page->arena, page->account,
			 a.mailbox->address, a.alias.id, source, &renamed,
			 &error) < 0)
		return page_failed(page, error);
	if (renamed == ALIAS_DONE)
		page_notice_set(page, PAGE_NOTICE_ALIAS_RENAMED,
				a.alias.source, source);
	return is_answered(&a, renamed, source, &result) ? result :
		show_rename(&a);
}

/* ---- delete */

static enum page_result show_delete(struct alias_page *a)
{
	const struct view_alias_delete v = {
		.mailbox = a->mailbox->address,
		.id = a->alias.id, .address = a->alias.source,
	};

	return page_show(a->page, view_alias_delete, &a->errors, &v);
}

enum page_result page_alias_delete(struct page *page)
{
	enum alias_result deleted;
	enum page_result result;
	struct alias_page a;
	const char *error;

	if (!begin(page, true, &a, &result))
		return result;
	if (!is_post(page))
		return show_delete(&a);
	if (alias_delete(page->db, page->arena, page->account,
			 a.mailbox->address, a.alias.id, &deleted, &error) < 0)
		return page_failed(page, error);
	if (deleted == ALIAS_DONE)
		page_notice_set(page, PAGE_NOTICE_ALIAS_DELETED,
				a.alias.source, NULL);
	return is_answered(&a, deleted, a.alias.source, &result) ? result :
		show_delete(&a);
}
