#include "page-accounts.h"
#include "arena.h"
#include "page-moderation.h"
#include "session.h"
#include "settings.h"

#include <string.h>

#define LIMIT_MAX 10000

static bool is_post(const struct page *page)
{
	return page->request->method == HTTP_METHOD_POST;
}

/* ---- role */

static enum page_result show_role(struct accounts_page *a)
{
	const enum account_role role = a->details.account->role;
	const struct view_accounts_role v = {
		.subject = a->subject, .role = accounts_role(role),
		.was = account_role_name(role),
	};

	return page_show(a->page, view_accounts_role, &a->errors, &v);
}

enum page_result page_accounts_role(struct page *page)
{
	enum administration_result changed = ADMINISTRATION_MALFORMED;
	enum account_role role, was;
	enum page_result result;
	struct accounts_page a;
	const char *error;

	if (!accounts_begin(page, &a, &result))
		return result;
	if (!is_post(page))
		return show_role(&a);
	if (account_role_parse(page_field(page, "role"), &role) &&
	    account_role_parse(page_field(page, "was"), &was) &&
	    administration_set_role(page->db, page->arena, page->account->id,
				    a.details.account->id, role, was,
				    &changed, &error) < 0)
		return page_failed(page, error);
	return accounts_is_answered(&a, "account-role", changed, &result) ?
		result : show_role(&a);
}

/* ---- switched on or off */

static enum page_result show_active(struct accounts_page *a)
{
	const struct view_accounts_active v = {
		.subject = a->subject, .is_active = a->details.active,
		.mailboxes = a->details.mailboxes,
	};

	return page_show(a->page, view_accounts_active, &a->errors, &v);
}

enum page_result page_accounts_active(struct page *page)
{
	const char *active = page_field(page, "active"), *error;
	const bool on = strcmp(active, "1") == 0;
	enum administration_result changed = ADMINISTRATION_MALFORMED;
	enum page_result result;
	struct accounts_page a;

	if (!accounts_begin(page, &a, &result))
		return result;
	if (!is_post(page))
		return show_active(&a);
	if ((on || strcmp(active, "0") == 0) &&
	    administration_set_active(page->db, page->arena,
				      page->account->id,
				      a.details.account->id, on, &changed,
				      &error) < 0)
		return page_failed(page, error);
	return accounts_is_answered(&a, on ? "account-activated" :
				    "account-deactivated", changed, &result) ?
		result : show_active(&a);
}

/* ---- limits */

static const char *limit_text(struct page *page, unsigned int limit)
{
	return limit == ACCOUNT_LIMIT_DEFAULT ? "" :
		arena_printf(page->arena, "%u", limit);
}

static enum page_result show_limits(struct accounts_page *a)
{
	struct page *page = a->page;
	const struct account *account = a->details.account;
	const bool again = a->errors.count > 0;
	const struct view_accounts_limits v = {
		.subject = a->subject,
		.max_mailboxes = again ? page_field(page, "max-mailboxes") :
			limit_text(page, account->max_mailboxes),
		.max_aliases = again ? page_field(page, "max-aliases") :
			limit_text(page, account->max_aliases),
		.default_mailboxes = page->set->max_mailboxes,
		.default_aliases = page->set->max_aliases,
		.is_unbound = account->role == ACCOUNT_ROLE_SUPER_ADMIN,
	};

	return page_show(page, view_accounts_limits, &a->errors, &v);
}

unsigned int accounts_read_limit(struct page *page, const char *field,
				 struct page_errors *errors)
{
	const char *text = page_field(page, field);
	uint64_t number;

	if (text[0] == '\0')
		return ACCOUNT_LIMIT_DEFAULT;
	if (page_moderation_number(text, 0, LIMIT_MAX, &number))
		return (unsigned int)number;
	page_errors_add(errors, field, language_text(page->arena,
		page->language, MSG_wrong_number,
		LANGUAGE_NUMBER("min", 0), LANGUAGE_NUMBER("max", LIMIT_MAX)));
	return ACCOUNT_LIMIT_DEFAULT;
}

enum page_result page_accounts_limits(struct page *page)
{
	unsigned int max_mailboxes, max_aliases;
	enum administration_result changed;
	enum page_result result;
	struct accounts_page a;
	const char *error;

	if (!accounts_begin(page, &a, &result))
		return result;
	if (!is_post(page))
		return show_limits(&a);
	max_mailboxes = accounts_read_limit(page, "max-mailboxes", &a.errors);
	max_aliases = accounts_read_limit(page, "max-aliases", &a.errors);
	if (a.errors.count > 0)
		return show_limits(&a);
	if (administration_set_limits(page->db, page->arena,
				      page->account->id,
				      a.details.account->id, max_mailboxes,
				      max_aliases, &changed, &error) < 0)
		return page_failed(page, error);
	return accounts_is_answered(&a, "account-limits", changed, &result) ?
		result : show_limits(&a);
}

/* ---- sessions, and the second factor */

static enum page_result show_log_out(struct accounts_page *a, bool factor)
{
	struct page *page = a->page;
	struct view_accounts_log_out v = {
		.subject = a->subject, .is_two_factor = factor,
	};
	struct session_list sessions;
	const char *error;

	if (session_list(page->db, page->arena, a->details.account->id,
			 page->set->session_idle_secs, &sessions, &error) < 0)
		return page_failed(page, error);
	v.sessions = (unsigned int)sessions.count;
	v.is_nothing = factor ? a->details.two_factor_since == 0 :
		v.sessions == 0;
	return page_show(page, view_accounts_log_out, &a->errors, &v);
}

static enum page_result log_out(struct page *page, bool factor)
{
	enum administration_result changed;
	enum page_result result;
	struct accounts_page a;
	const char *error;

	if (!accounts_begin(page, &a, &result))
		return result;
	if (!is_post(page))
		return show_log_out(&a, factor);
	if (administration_log_out(page->db, page->arena, page->account->id,
				   a.details.account->id, factor, &changed,
				   &error) < 0)
		return page_failed(page, error);
	return accounts_is_answered(&a, factor ? "account-two-factor-reset" :
				    "account-sessions-ended", changed,
				    &result) ?
		result : show_log_out(&a, factor);
}

enum page_result page_accounts_log_out(struct page *page)
{
	return log_out(page, false);
}

enum page_result page_accounts_two_factor(struct page *page)
{
	return log_out(page, true);
}
