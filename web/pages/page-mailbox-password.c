#include "page-mailbox.h"
#include "account.h"
#include "arena.h"
#include "log.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-mailbox-common.h"
#include "settings.h"
#include "views.h"

#include <string.h>

struct password_change {
	struct mailbox_hash_work work;
	struct page_errors errors;
	const struct mailbox *mailbox;
};

static enum page_result show(struct page *page,
			     const struct page_errors *errors,
			     const struct mailbox *mailbox)
{
	struct view_mailbox_password v = {
		.address = mailbox->address,
		.window_secs = page->set->rekey_window_secs,
	};

	page_mailbox_limits(page, &v.limits);
	return page_show(page, view_mailbox_password, errors, &v);
}

static enum page_result window(struct page *page, const char *address)
{
	return page_redirect(page, page_mailbox_url(page, "/mailbox/window",
						    "address", address, NULL));
}

static enum page_result refuse(struct page *page,
			       struct password_change *change,
			       const char *field, enum message message)
{
	page_errors_add(&change->errors, field,
			language_text(page->arena, page->language, message));
	return show(page, &change->errors, change->mailbox);
}

/* The hash is made; from the row that is filed now on, the mailbox is
   closed. */
static enum page_result file(struct page *page)
{
	struct password_change *change = page->context;
	const struct mailbox *mailbox = change->mailbox;
	const struct mailbox_request_new new = {
		.kind = REQUEST_KIND_PASSWORD, .address = mailbox->address,
		.old_password = change->work.password,
		.new_password = change->work.new_password,
		.new_hash = change->work.new_hash,
	};
	enum mailbox_request_result filed;
	const char *id, *error;

	if (!change->work.is_right) {
		log_event(LOG_LEVEL_WARNING, "mailbox-password-wrong",
			  "address", mailbox->address, "account",
			  page->account->email, "request", page->request->id,
			  NULL);
		return refuse(page, change, "old", MSG_wrong_password);
	}
	if (!change->work.has_new_hash)
		return page_failed(page, "hashing a password failed");
	if (mailbox_request_file(page->db, page->arena, &page->set->seal_key,
				 page->account, &new, &filed, &id, &error) < 0)
		return page_failed(page, error);
	if (filed == MAILBOX_REQUEST_BUSY)
		return refuse(page, change, NULL, MSG_wrong_busy_mailbox);
	if (filed != MAILBOX_REQUEST_FILED)
		return page_error(page, 404);
	log_event(LOG_LEVEL_INFO, "mailbox-password-filed", "address",
		  mailbox->address, "account", page->account->email, "id", id,
		  "request", page->request->id, NULL);
	return window(page, mailbox->address);
}

static void hash(void *context)
{
	struct password_change *change = context;

	mailbox_hash_work_run(&change->work);
}

static enum page_result post(struct page *page, const struct mailbox *mailbox)
{
	struct password_change *change =
		arena_new(page->arena, struct password_change, 1);
	struct page_errors *errors = &change->errors;
	const char *old = page_field(page, "old");
	const char *error;
	enum page_result result;
	int ret;

	change->mailbox = mailbox;
	mailbox_hash_work_init(page, &change->work);
	change->work.password = old;
	change->work.new_password = page_field(page, "new");
	if (old[0] == '\0')
		page_errors_add(errors, "old", language_text(page->arena,
			page->language, MSG_wrong_password_empty));
	else if (strlen(old) > SEAL_PASSWORD_MAX)
		page_errors_add(errors, "old", language_text(page->arena,
			page->language, MSG_wrong_password));
	if (page_mailbox_check_new_password(page, errors, mailbox->address) &&
	    strcmp(old, change->work.new_password) == 0)
		page_errors_add(errors, "new", language_text(page->arena,
			page->language, MSG_wrong_password_same));
	if (errors->count > 0)
		return show(page, errors, mailbox);

	if (!page_mailbox_take_try(page, mailbox, &result))
		return result;
	ret = mailbox_get_hash(page->db, page->arena, page->account,
			       mailbox->address, &change->work.stored_hash,
			       &error);
	if (ret <= 0)
		return ret < 0 ? page_failed(page, error) :
			page_error(page, 404);
	page->context = change;
	return page_run_slow(page, hash, file);
}

enum page_result page_mailbox_password(struct page *page)
{
	const bool is_post = page->request->method == HTTP_METHOD_POST;
	const char *address = is_post ? page_field(page, "address") :
		page_query(page, "address");
	struct mailbox *mailbox;
	enum page_result result;

	if (!page_mailbox_find(page, address, &mailbox, &result))
		return result;
	if (page_mailbox_is_busy(mailbox) &&
	    mailbox->request_kind == REQUEST_KIND_PASSWORD)
		return window(page, mailbox->address);
	/* its page says why it cannot be done now */
	if (page_mailbox_is_busy(mailbox) || !mailbox->exists ||
	    !mailbox->active)
		return page_mailbox_redirect(page, mailbox->address);
	return is_post ? post(page, mailbox) : show(page, NULL, mailbox);
}
