#include "page-forgotten.h"
#include "log.h"
#include "names.h"
#include "notify.h"
#include "page-frame.h"
#include "page-limit.h"
#include "settings.h"
#include "views-login.h"

static enum page_result show(struct page *page, const char *email,
			     const struct page_errors *errors)
{
	const struct view_password_forgotten v = { .email = email };

	return page_show(page, view_password_forgotten, errors, &v);
}

/* Whether there is such an account is looked up later, by another thread: here
   nothing depends on it, neither words nor time. */
static enum page_result submit(struct page *page)
{
	const char *email = page_field(page, "email");
	const struct view_password_forgotten_sent v = {
		.email = email, .valid_secs = NOTIFY_RESET_SECS
	};
	struct page_errors errors = { .count = 0 };
	enum page_result result;

	if (!address_is_email(email)) {
		page_errors_add(&errors, "email", language_text(page->arena,
			page->language, MSG_wrong_email));
		return show(page, email, &errors);
	}
	if (!page_limit_client(page, "reset-client",
			       &page->set->limit_login_address, &result) ||
	    !page_limit(page, "reset-account", email, &page->set->limit_reset,
			&result))
		return result;
	log_event(LOG_LEVEL_INFO, "reset-asked", "account", email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	if (!notify_reset(email))
		return page_error(page, 503);
	return page_show(page, view_password_forgotten_sent, NULL, &v);
}

enum page_result page_forgotten(struct page *page)
{
	if (page->request->method == HTTP_METHOD_POST)
		return submit(page);
	return show(page, NULL, NULL);
}
