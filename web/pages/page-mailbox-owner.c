#include "page-mailbox.h"
#include "account.h"
#include "administration.h"
#include "arena.h"
#include "log.h"
#include "mailbox.h"
#include "names.h"
#include "page-mailbox-common.h"
#include "page-notice.h"
#include "views-administration.h"

#include <string.h>

struct owner_form {
	struct page *page;
	const struct mailbox *mailbox;
	struct page_errors errors;
};

static enum page_result show(struct owner_form *form)
{
	struct page *page = form->page;
	const struct view_mailbox_owner v = {
		.address = form->mailbox->address,
		.owner = form->mailbox->owner,
		.email = page_field(page, "email"),
		.is_busy = page_mailbox_is_busy(form->mailbox),
	};

	return page_show(page, view_mailbox_owner, &form->errors, &v);
}

static enum page_result done(const struct owner_form *form, const char *email)
{
	struct page *page = form->page;
	const struct mailbox *mailbox = form->mailbox;

	log_event(LOG_LEVEL_INFO, "mailbox-owner-changed",
		  "address", mailbox->address,
		  "account", page->account->email,
		  "subject", email == NULL ? "" : email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_notice_set(page, email == NULL ? PAGE_NOTICE_OWNER_TAKEN :
			PAGE_NOTICE_OWNER_GIVEN, mailbox->address, email);
	return page_mailbox_redirect(page, mailbox->address);
}

/* What is wrong is said of the mailbox as it is now. */
static enum page_result refuse(struct owner_form *form, const char *field,
			       enum message text)
{
	struct page *page = form->page;
	enum page_result result;
	struct mailbox *mailbox;

	if (!page_mailbox_find(page, form->mailbox->address, &mailbox,
			       &result))
		return result;
	form->mailbox = mailbox;
	page_errors_add(&form->errors, field,
			language_text(page->arena, page->language, text));
	return show(form);
}

static enum page_result post(struct owner_form *form)
{
	struct page *page = form->page;
	const char *was = page_field(page, "was"), *error;
	const char *email = strcmp(page_field(page, "nobody"), "1") == 0 ?
		NULL : page_field(page, "email");
	enum administration_result changed = ADMINISTRATION_ACCOUNT;

	if (strlen(was) > NAME_ADDRESS_MAX)
		return page_error(page, 400);
	if ((email == NULL || strlen(email) <= NAME_ADDRESS_MAX) &&
	    administration_give_mailbox(page->db, page->arena,
					page->account->id,
					form->mailbox->address, email,
					was[0] == '\0' ? NULL : was, &changed,
					&error) < 0)
		return page_failed(page, error);
	switch (changed) {
	case ADMINISTRATION_DONE:
		return done(form, email);
	case ADMINISTRATION_UNCHANGED:
		return email == NULL ?
			page_mailbox_redirect(page, form->mailbox->address) :
			refuse(form, "email", MSG_wrong_owner_same);
	case ADMINISTRATION_ACCOUNT:
		return refuse(form, "email", MSG_wrong_owner);
	case ADMINISTRATION_BUSY:
		return refuse(form, NULL, MSG_wrong_busy_mailbox);
	case ADMINISTRATION_STALE:
		return refuse(form, NULL, MSG_wrong_stale);
	default:
		return page_error(page, 404);
	}
}

enum page_result page_mailbox_owner(struct page *page)
{
	struct owner_form form = { .page = page };
	enum page_result result;
	struct mailbox *mailbox;

	if (!page_mailbox_find(page, page_mailbox_asked(page), &mailbox,
			       &result))
		return result;
	form.mailbox = mailbox;
	/* only reserved */
	if (!mailbox->exists)
		return page_mailbox_redirect(page, mailbox->address);
	return page->request->method == HTTP_METHOD_POST ? post(&form) :
		show(&form);
}
