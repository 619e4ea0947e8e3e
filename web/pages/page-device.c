#define _GNU_SOURCE /* explicit_bzero() */
#include "page-device.h"
#include "account.h"
#include "browser-name.h"
#include "known-device.h"
#include "page.h"
#include "rate-limit.h"
#include "site-cookie.h"

#include <stddef.h>
#include <string.h>

const char *page_device_token(const struct page *page)
{
	const char *token = site_cookie_find(page, SITE_COOKIE_DEVICE);
	unsigned char hash[TOKEN_HASH_SIZE];

	return token_hash(token, hash) ? token : NULL;
}

int page_device_log_in(struct page *page, uint64_t account_id,
		       const char **error_r)
{
	const struct http_request *request = page->request;
	const struct known_device_client client = {
		.browser = browser_name(page->arena,
			request->user_agent == NULL ? "" : request->user_agent),
		.network = rate_limit_network(page->arena,
					      request->client_address),
	};
	const char *token = page_device_token(page);
	char new_token[TOKEN_SIZE];
	int ret;

	if (token == NULL) {
		token_generate(new_token);
		token = new_token;
	}
	ret = known_device_log_in(page->db, page->arena, account_id, token,
				  &client, error_r);
	if (ret >= 0)
		site_cookie_set(page, SITE_COOKIE_DEVICE, token,
				KNOWN_DEVICE_SECS);
	explicit_bzero(new_token, sizeof(new_token));
	return ret < 0 ? -1 : 0;
}

int page_device_forget_others(struct page *page, const char **error_r)
{
	return known_device_forget(page->db, page->arena, page->account->id,
				   page_device_token(page), error_r);
}
