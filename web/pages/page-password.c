#include "page-password.h"
#include "account.h"
#include "arena.h"
#include "log.h"
#include "page-frame.h"
#include "page-limit.h"
#include "page-mailbox-words.h"
#include "password-rules.h"
#include "settings.h"

#include <string.h>

void password_work_run(void *context)
{
	struct password_work *work = context;

	work->right = work->password == NULL ||
		portal_password_verify(work->hash, work->password);
	if (work->right && work->new_password != NULL)
		work->hashed = portal_password_hash(work->new_password,
						    work->new_hash);
}

enum page_result page_password_verify(struct page *page, const char *password,
				      const char *new_password,
				      page_handler_t *then)
{
	struct password_work *work = arena_new(page->arena,
					       struct password_work, 1);
	enum page_result result;
	const char *error;
	int ret;

	if (!page_limit_account(page, "password", &page->set->limit_login_account,
				&result))
		return result;
	ret = account_get_hash(page->db, page->arena, page->account->id,
			       &work->hash, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_redirect(page, "/login");
	work->password = strlen(password) > PAGE_PASSWORD_BYTES_MAX ? "" : password;
	work->new_password = new_password;
	page->context = work;
	return page_run_slow(page, password_work_run, then);
}

bool page_password_check_new(struct page *page, const char *address,
			     unsigned int bytes_max, struct page_errors *errors)
{
	const struct password_rules rules = {
		.min_chars = page->set->password_min_length,
		.max_bytes = bytes_max,
		.min_score = page->set->password_min_strength,
	};
	const char *password = page_field(page, "new");
	struct password_strength strength = { 0, PASSWORD_WEAKNESS_NONE };
	enum password_fault fault;

	fault = password_rules_check(&rules, password, address,
				     page->set->product_name, &strength);
	if (fault != PASSWORD_OK)
		page_errors_add(errors, "new",
			password_fault_words(page, &rules, fault,
					     strength.weakness));
	else if (strcmp(password, page_field(page, "repeat")) != 0)
		page_errors_add(errors, "repeat", language_text(page->arena,
			page->language, MSG_wrong_repeat));
	else
		return true;
	return false;
}

void page_password_add_wrong(struct page *page, struct page_errors *errors,
			     const char *field)
{
	log_event(LOG_LEVEL_WARNING, "password-wrong",
		  "account", page->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_errors_add(errors, field, language_text(page->arena,
		page->language, MSG_wrong_password));
}
