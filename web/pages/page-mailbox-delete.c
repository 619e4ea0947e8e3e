#include "page-mailbox.h"
#include "alias.h"
#include "arena.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-mailbox-common.h"
#include "page-mailbox-words.h"
#include "settings.h"
#include "views.h"

#include <string.h>

struct deletion {
	struct mailbox_hash_work work;
	struct page_errors errors;
	const struct mailbox *mailbox;
};

static enum page_result show(struct page *page,
			     const struct page_errors *errors,
			     const struct mailbox *mailbox)
{
	struct view_mailbox_delete v = {
		.address = mailbox->address,
		.is_by_admin = page_mailbox_is_super_admin(page),
		.quota = mailbox->quota_bytes,
		.grace_secs = page->set->deletion_grace_secs,
	};
	struct view_alias *shown;
	struct alias_list aliases;
	const char *error;
	size_t i;

	if (alias_list(page->db, page->arena, mailbox->address, &aliases,
		       &error) < 0)
		return page_failed(page, error);
	shown = arena_new(page->arena, struct view_alias, aliases.count + 1);
	for (i = 0; i < aliases.count; i++) {
		shown[i].id = aliases.aliases[i].id;
		shown[i].address = aliases.aliases[i].source;
	}
	v.aliases = shown;
	v.aliases_count = (unsigned int)aliases.count;
	v.aliases_total = mailbox->aliases > aliases.count ?
		mailbox->aliases : aliases.count;
	v.aliases_more = v.aliases_total - aliases.count;
	return page_show(page, view_mailbox_delete, errors, &v);
}

/* It was asked for. */
static enum page_result show_deletion(struct page *page,
				      const struct mailbox *mailbox)
{
	struct page_notices notices = { 0 };
	struct view_mailbox_deletion v = { .address = mailbox->address };
	struct mailbox_request *request;
	enum page_result result;
	const char *error;

	if (!page_mailbox_find_request(page, mailbox, &request, &result))
		return result;
	if (request == NULL || request->kind != REQUEST_KIND_DELETE)
		return page_mailbox_redirect(page, mailbox->address);
	v.when = request->created + page->set->deletion_grace_secs;
	if (v.when > request->now)
		v.left_secs = v.when - request->now;
	if (!request_say_host(page, &notices, request, &error))
		return page_failed(page, error);
	v.can_cancel = request->can_cancel;
	return page_show_notices(page, view_mailbox_deletion, &notices, &v);
}

static enum page_result here(struct page *page, const char *address)
{
	return page_redirect(page, page_mailbox_url(page, "/mailbox/delete",
						    "address", address, NULL));
}

static enum page_result refuse(struct page *page, struct deletion *deletion,
			       const char *field, const char *text)
{
	page_errors_add(&deletion->errors, field, text);
	return show(page, &deletion->errors, deletion->mailbox);
}

static enum page_result file(struct page *page)
{
	struct deletion *deletion = page->context;
	const struct mailbox *mailbox = deletion->mailbox;
	const struct mailbox_request_new new = {
		.kind = REQUEST_KIND_DELETE, .address = mailbox->address,
		.old_password = deletion->work.password,
	};
	enum mailbox_request_result filed;
	enum page_result result;

	if (!deletion->work.is_right) {
		page_mailbox_log_wrong(page, mailbox);
		return refuse(page, deletion, "password",
			      language_text(page->arena, page->language,
					    MSG_wrong_password));
	}
	if (!page_mailbox_file(page, &new, &filed, &result))
		return result;
	if (filed != MAILBOX_REQUEST_FILED)
		return refuse(page, deletion, NULL,
			      language_text(page->arena, page->language,
					    MSG_wrong_busy_mailbox));
	return here(page, mailbox->address);
}

static void verify(void *context)
{
	struct deletion *deletion = context;

	mailbox_hash_work_run(&deletion->work);
}

static enum page_result post_password(struct page *page,
				      struct deletion *deletion)
{
	const struct mailbox *mailbox = deletion->mailbox;
	const char *password = page_field(page, "password");
	enum page_result result;

	if (password[0] == '\0' || strlen(password) > SEAL_PASSWORD_MAX)
		return refuse(page, deletion, "password",
			language_text(page->arena, page->language,
				      password[0] == '\0' ?
				      MSG_wrong_password_empty :
				      MSG_wrong_password));
	deletion->work.password = password;
	if (!page_mailbox_read_hash(page, mailbox, &deletion->work, &result))
		return result;
	return page_run_slow(page, verify, file);
}

static enum page_result post(struct page *page, const struct mailbox *mailbox)
{
	struct deletion *deletion = arena_new(page->arena, struct deletion, 1);

	deletion->mailbox = mailbox;
	mailbox_hash_work_init(page, &deletion->work);
	page->context = deletion;
	if (!page_mailbox_is_super_admin(page))
		return post_password(page, deletion);
	if (strcmp(page_field(page, "typed"), mailbox->address) != 0)
		return refuse(page, deletion, "typed",
			language_text(page->arena, page->language,
				      MSG_wrong_typed,
				      LANGUAGE_TEXT("address",
						    mailbox->address)));
	deletion->work.is_right = true;
	return file(page);
}

enum page_result page_mailbox_delete(struct page *page)
{
	const bool is_post = page->request->method == HTTP_METHOD_POST;
	struct mailbox *mailbox;
	enum page_result result;

	if (!page_mailbox_find(page, page_mailbox_asked(page), &mailbox,
			       &result))
		return result;
	if (page_mailbox_is_busy(mailbox) &&
	    mailbox->request_kind == REQUEST_KIND_DELETE)
		return is_post ? here(page, mailbox->address) :
			show_deletion(page, mailbox);
	/* its page says why it cannot be done now */
	if (page_mailbox_is_busy(mailbox) || !mailbox->exists)
		return page_mailbox_redirect(page, mailbox->address);
	return is_post ? post(page, mailbox) : show(page, NULL, mailbox);
}
