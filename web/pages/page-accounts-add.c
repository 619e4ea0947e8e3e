#include "page-accounts.h"
#include "account.h"
#include "arena.h"
#include "log.h"
#include "names.h"
#include "notify.h"
#include "page-domain-choice.h"
#include "page-limit.h"
#include "page-mailbox-common.h"
#include "page-notice.h"
#include "settings.h"

#include <inttypes.h>
#include <string.h>

/* For one address, with what was typed wrongly. */
static const struct settings_rate add_limit = { 10, 3600 };

struct form {
	struct page *page;
	struct page_errors errors;
	struct page_domain_choice choice;
	struct administration_account account;
};

static bool is_post(const struct page *page)
{
	return page->request->method == HTTP_METHOD_POST;
}

static bool is_silent(const struct page *page)
{
	return page->set->smtp_url[0] == '\0';
}

static void fill_languages(struct form *form, struct view_accounts_add *v)
{
	struct page *page = form->page;
	struct view_accounts_language *rows = arena_new(page->arena,
		struct view_accounts_language, languages_count);
	unsigned int i;

	for (i = 0; i < languages_count; i++)
		rows[i] = (struct view_accounts_language){
			.code = languages[i].code, .name = languages[i].name,
			.is_chosen = strcmp(languages[i].code,
					    form->account.language) == 0,
		};
	v->languages = rows;
	v->languages_count = languages_count;
}

static enum page_result show(struct form *form)
{
	struct page *page = form->page;
	struct view_accounts_add v = {
		.email = page_field(page, "email"),
		.role = accounts_role(form->account.role),
		.domains = form->choice.rows,
		.domains_count = form->choice.count,
		.has_more_domains = form->choice.has_more,
		.more_domains = form->choice.more,
		.max_mailboxes = page_field(page, "max-mailboxes"),
		.max_aliases = page_field(page, "max-aliases"),
		.default_mailboxes = page->set->max_mailboxes,
		.default_aliases = page->set->max_aliases,
		.is_silent = is_silent(page),
		.valid_secs = NOTIFY_FIRST_SECS,
	};

	fill_languages(form, &v);
	return page_show(page, view_accounts_add, &form->errors, &v);
}

static void add_wrong(struct form *form, const char *field, enum message text)
{
	const struct page *page = form->page;

	page_errors_add(&form->errors, field,
			language_text(page->arena, page->language, text));
}

/* Returns false if it is no form of ours. */
static bool read_form(struct form *form)
{
	struct page *page = form->page;
	struct administration_account *account = &form->account;
	const struct language *language =
		language_find(page_field(page, "language"));

	if (language == NULL ||
	    !account_role_parse(page_field(page, "role"), &account->role))
		return false;
	account->language = language->code;
	account->email = page_field(page, "email");
	account->domains = form->choice.json;
	if (!address_is_email(account->email))
		add_wrong(form, "email", MSG_wrong_email);
	account->max_mailboxes = accounts_read_limit(page, "max-mailboxes",
						     &form->errors);
	account->max_aliases = accounts_read_limit(page, "max-aliases",
						   &form->errors);
	return true;
}

/* To its page, where what else it needs can be given. */
static enum page_result answer_done(struct form *form)
{
	struct page *page = form->page;
	const char *email = form->account.email, *hash, *error;
	struct account *account;
	int ret;

	log_event(LOG_LEVEL_INFO, "account-made",
		  "account", page->account->email, "subject", email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	ret = account_find(page->db, page->arena, email, &account, &hash,
			   &error);
	if (ret < 0)
		return page_failed(page, error);
	page_notice_set(page, is_silent(page) ?
			PAGE_NOTICE_ACCOUNT_MADE_SILENT :
			PAGE_NOTICE_ACCOUNT_MADE, email, NULL);
	return page_redirect(page, ret == 0 ? "/accounts" :
		page_mailbox_url(page, "/accounts/account", "id",
				 arena_printf(page->arena, "%" PRIu64,
					      account->id), NULL));
}

static enum page_result make(struct form *form)
{
	struct page *page = form->page;
	enum administration_result made;
	enum page_result result;
	const char *error;

	/* it has a mail written; not from the bucket of those who forget their
	   password, whose mail it may be that is missing */
	if (!page_limit(page, "account-made", form->account.email, &add_limit,
			&result))
		return result;
	if (administration_add_account(page->db, page->arena,
				       page->account->id, &form->account,
				       &made, &error) < 0)
		return page_failed(page, error);
	switch (made) {
	case ADMINISTRATION_DONE:
		return answer_done(form);
	case ADMINISTRATION_MALFORMED:
		add_wrong(form, "email", MSG_wrong_email);
		break;
	case ADMINISTRATION_TAKEN:
		add_wrong(form, "email", MSG_wrong_account_taken);
		break;
	case ADMINISTRATION_WAITING:
		add_wrong(form, "email", MSG_wrong_account_waiting);
		break;
	case ADMINISTRATION_DOMAINS:
		add_wrong(form, "domains", MSG_wrong_domains_none);
		break;
	default:
		return page_error(page, 404);
	}
	return show(form);
}

enum page_result page_accounts_add(struct page *page)
{
	struct form form = {
		.page = page,
		.account = { .language = page->language->code },
	};
	const char *error;

	if (page_domain_choice(page, "", &form.choice, &error) < 0)
		return page_failed(page, error);
	if (!is_post(page))
		return show(&form);
	if (!read_form(&form))
		return page_error(page, 400);
	return form.errors.count > 0 ? show(&form) : make(&form);
}
