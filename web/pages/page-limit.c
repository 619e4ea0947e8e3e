#include "page-limit.h"
#include "arena.h"
#include "log.h"
#include "metrics.h"
#include "rate-limit.h"
#include "session.h"
#include "settings.h"
#include "site.h"

#include <inttypes.h>

bool page_limit(struct page *page, const char *name, const char *subject,
		const struct settings_rate *rate, enum page_result *result_r)
{
	const struct rate_limit limit = {
		.burst = rate->burst, .refill_secs = rate->refill_secs
	};
	unsigned int retry_secs;
	const char *error;
	int ret;

	ret = rate_limit_take(page->db, page->arena, site_secret_key, name,
			      subject, &limit, &retry_secs, &error);
	if (ret > 0)
		return true;
	if (ret < 0) {
		*result_r = page_failed(page, error);
		return false;
	}
	metrics_count(METRICS_RATE_LIMITED);
	log_event(LOG_LEVEL_WARNING, "limited", "limit", name,
		  "subject", subject, "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page->response->retry_after = retry_secs;
	*result_r = page_error(page, 429);
	return false;
}

bool page_limit_client(struct page *page, const char *name,
		       const struct settings_rate *rate,
		       enum page_result *result_r)
{
	return page_limit(page, name, rate_limit_network(page->arena,
				page->request->client_address),
			  rate, result_r);
}

bool page_limit_account(struct page *page, const char *name,
			const struct settings_rate *rate,
			enum page_result *result_r)
{
	return page_limit(page, name, arena_printf(page->arena, "%" PRIu64,
						   page->session->account_id),
			  rate, result_r);
}
