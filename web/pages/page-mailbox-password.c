#include "page-mailbox.h"
#include "arena.h"
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
	enum page_result result;

	if (!change->work.is_right) {
		page_mailbox_log_wrong(page, mailbox);
		return refuse(page, change, "old", MSG_wrong_password);
	}
	if (!change->work.has_new_hash)
		return page_failed(page, "hashing a password failed");
	if (!page_mailbox_file(page, &new, &filed, &result))
		return result;
	if (filed != MAILBOX_REQUEST_FILED)
		return refuse(page, change, NULL, MSG_wrong_busy_mailbox);
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
	enum page_result result;

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

	if (!page_mailbox_read_hash(page, mailbox, &change->work, &result))
		return result;
	page->context = change;
	return page_run_slow(page, hash, file);
}

enum page_result page_mailbox_password(struct page *page)
{
	const bool is_post = page->request->method == HTTP_METHOD_POST;
	struct mailbox *mailbox;
	enum page_result result;

	if (!page_mailbox_find(page, page_mailbox_asked(page), &mailbox,
			       &result))
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
