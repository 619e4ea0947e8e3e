#include "page-backup-codes.h"
#include "account.h"
#include "arena.h"
#include "backup-code.h"
#include "log.h"
#include "page-frame.h"
#include "page-password.h"
#include "page-session.h"
#include "page-two-factor.h"
#include "site.h"
#include "two-factor.h"
#include "views-account.h"

const char *const *page_backup_codes_make(struct page *page,
					  struct backup_code_hashes *hashes_r)
{
	const char **codes = arena_new(page->arena, const char *,
				       BACKUP_CODE_COUNT);
	unsigned int i;

	for (i = 0; i < BACKUP_CODE_COUNT; i++) {
		char *code = arena_alloc(page->arena, BACKUP_CODE_SIZE);

		backup_code_generate(code);
		backup_code_hash(site_secret_key, page->account->id, code,
				 hashes_r->hashes[i]);
		codes[i] = code;
	}
	return codes;
}

enum page_result page_backup_codes_show(struct page *page,
					const char *const *codes)
{
	const struct view_backup_codes v = {
		.email = page->account->email,
		.codes = codes,
		.codes_count = BACKUP_CODE_COUNT,
		.now = page->now,
	};

	return page_show(page, view_backup_codes, NULL, &v);
}

static enum page_result after_verify(struct page *page)
{
	const struct password_work *work = page->context;
	struct page_errors errors = { .count = 0 };
	struct backup_code_hashes hashes;
	const char *const *codes;
	const char *error;
	int ret;

	if (!work->right) {
		page_password_add_wrong(page, &errors, "password");
		return page_two_factor_show(page, &errors);
	}
	codes = page_backup_codes_make(page, &hashes);
	ret = two_factor_set_codes(page->db, page->arena, page->account->id,
				   &hashes, &error);
	if (ret == 0)
		return page_redirect(page, "/account/two-factor");
	if (ret > 0)
		ret = page_session_renew(page, &error);
	if (ret < 0)
		return page_failed(page, error);
	if (ret == 0)
		return page_redirect(page, "/login");
	log_event(LOG_LEVEL_INFO, "backup-codes-changed",
		  "account", page->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	return page_backup_codes_show(page, codes);
}

enum page_result page_backup_codes(struct page *page)
{
	if (!page->account->two_factor)
		return page_redirect(page, "/account/two-factor");
	return page_password_verify(page, page_field(page, "password"), NULL,
				    after_verify);
}
