#include "page-code.h"
#include "page.h"
#include "site.h"
#include "two-factor.h"

static int check_app(struct page *page, uint64_t account_id, const char *code,
		     const char **error_r)
{
	struct two_factor two_factor;
	struct totp_secret secret;
	uint64_t step;
	bool right;
	int ret;

	ret = two_factor_load(page->db, page->arena, account_id, &two_factor,
			      error_r);
	if (ret <= 0 || !two_factor.confirmed)
		return ret < 0 ? -1 : 0;
	if (!totp_secret_open(site_secret_key, account_id, two_factor.sealed,
			      sizeof(two_factor.sealed), &secret)) {
		*error_r = "TOTP secret does not open: is secret_key_file "
			"another one than before?";
		return -1;
	}
	right = totp_verify(&secret, code, two_factor.now,
			    two_factor.last_step, &step);
	totp_secret_wipe(&secret);
	if (!right)
		return 0;
	/* Of two at the same time, one wins. */
	return two_factor_use_step(page->db, page->arena, account_id, step,
				   error_r);
}

int page_code_check(struct page *page, uint64_t account_id, const char *text,
		    bool *backup_r, const char **error_r)
{
	unsigned char hash[BACKUP_CODE_HASH_SIZE];
	char code[TOTP_DIGITS + 1], backup_code[BACKUP_CODE_SIZE];

	*backup_r = false;
	if (totp_code_parse(text, code))
		return check_app(page, account_id, code, error_r);
	if (!backup_code_parse(text, backup_code))
		return 0;
	*backup_r = true;
	backup_code_hash(site_secret_key, account_id, backup_code, hash);
	return two_factor_use_code(page->db, page->arena, account_id, hash,
				   error_r);
}
