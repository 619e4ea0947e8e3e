#include "page-mailbox.h"
#include "account.h"
#include "arena.h"
#include "buffer.h"
#include "domain.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "names.h"
#include "page-limit.h"
#include "page-mailbox-common.h"
#include "page-mailbox-words.h"
#include "page-notice.h"
#include "quota.h"
#include "settings.h"
#include "views.h"

#include <string.h>

/* Who creates finds out which addresses there are in a domain of theirs, and
   costs hashes: not too often. */
static const struct settings_rate create_limit = { 20, 3600 };

struct creation {
	struct mailbox_hash_work work;
	struct page_errors errors;
	const struct domain *domain;
	char local[NAME_LOCAL_MAX + 1];
	char address[NAME_ADDRESS_MAX + 1];
	uint64_t quota;
};

static unsigned int max_mailboxes(const struct page *page)
{
	return page->account->max_mailboxes == ACCOUNT_LIMIT_DEFAULT ?
		page->set->max_mailboxes : page->account->max_mailboxes;
}

/* Before anything is typed, that there is no use in it. */
static enum page_result show_full(struct page *page,
				  const struct view_mailbox_create *v)
{
	struct page_notices notices = { 0 };

	page_notices_add(&notices, VIEW_NOTICE_WARNING,
		language_text(page->arena, page->language,
			MSG_wrong_mailboxes_full,
			LANGUAGE_NUMBER("max", v->mailboxes_max)));
	return page_show_notices(page, view_mailbox_create, &notices, v);
}

/* As sizes are written on the page, unless that is rounded. */
static const char *quota_words(struct page *page, uint64_t bytes)
{
	const struct language_value size = LANGUAGE_SIZE("", bytes);
	struct buffer words = BUFFER_INIT;
	char exact[QUOTA_TEXT_SIZE];
	const char *copy;
	uint64_t parsed;

	language_append_value(&words, page->language, &size);
	quota_write(bytes, QUOTA_HUMAN, exact);
	copy = arena_strdup(page->arena,
			    quota_parse(buffer_str(&words), &parsed) &&
			    parsed == bytes ? buffer_str(&words) : exact);
	buffer_free(&words);
	return copy;
}

static enum page_result show(struct page *page, struct creation *creation)
{
	const bool is_new = page->request->method == HTTP_METHOD_GET;
	struct view_mailbox_create v = {
		.domain = creation->domain->name,
		.name = page_field(page, "name"),
		.quota = page_field(page, "quota"),
	};
	const char *error;
	uint64_t count;

	page_mailbox_limits(page, &v.limits);
	if (is_new)
		v.quota = quota_words(page, page->set->quota_min);
	if (!page_mailbox_is_super_admin(page)) {
		if (mailbox_count(page->db, page->arena, page->account->id,
				  &count, &error) < 0)
			return page_failed(page, error);
		v.mailboxes = (unsigned int)count;
		v.mailboxes_max = max_mailboxes(page);
		if (is_new && count >= v.mailboxes_max)
			return show_full(page, &v);
	}
	return page_show(page, view_mailbox_create, &creation->errors, &v);
}

static enum page_result refuse(struct page *page,
			       struct creation *creation,
			       enum mailbox_request_result why)
{
	struct page_errors *errors = &creation->errors;

	switch (why) {
	case MAILBOX_REQUEST_LIMIT:
		page_errors_add(errors, NULL,
			language_text(page->arena, page->language,
				MSG_wrong_mailboxes_full,
				LANGUAGE_NUMBER("max", max_mailboxes(page))));
		break;
	case MAILBOX_REQUEST_TAKEN:
	case MAILBOX_REQUEST_BUSY:
		page_errors_add(errors, "name",
			language_text(page->arena, page->language,
				MSG_wrong_name_taken,
				LANGUAGE_TEXT("address", creation->address)));
		break;
	case MAILBOX_REQUEST_MALFORMED:
		page_errors_add(errors, "name",
			language_text(page->arena, page->language,
				      MSG_wrong_name_characters));
		break;
	case MAILBOX_REQUEST_FILED:
	case MAILBOX_REQUEST_NOT_FOUND:
		break;
	}
	return show(page, creation);
}

/* The row that is filed reserves the address. Nothing else is written: the
   mailbox is the mail host's to make. */
static enum page_result file(struct page *page)
{
	struct creation *creation = page->context;
	const struct mailbox_request_new new = {
		.kind = REQUEST_KIND_CREATE, .address = creation->address,
		.new_password = creation->work.new_password,
		.new_hash = creation->work.new_hash,
		.quota_bytes = creation->quota,
		.max_mailboxes = page->set->max_mailboxes,
	};
	enum mailbox_request_result filed;
	enum page_result result;

	if (!creation->work.has_new_hash)
		return page_failed(page, "hashing a password failed");
	if (!page_mailbox_file(page, &new, &filed, &result))
		return result;
	if (filed != MAILBOX_REQUEST_FILED)
		return refuse(page, creation, filed);
	page_notice_set(page, PAGE_NOTICE_MAILBOX_ASKED, creation->address,
			NULL);
	return page_mailbox_redirect(page, creation->address);
}

static void hash(void *context)
{
	struct creation *creation = context;

	mailbox_hash_work_run(&creation->work);
}

static void check_name(struct page *page, struct creation *creation)
{
	const char *typed = page_field(page, "name");
	enum name_fault fault = NAME_TOO_LONG;
	struct name_rules rules;

	page_mailbox_name_rules(page, page->set->mailbox_name_min, &rules);
	if (name_normalize(typed, creation->local, sizeof(creation->local)))
		fault = name_check(&rules, creation->local,
				   page_mailbox_is_super_admin(page));
	if (fault == NAME_OK && !address_join(creation->local,
					      creation->domain->name,
					      creation->address))
		fault = NAME_TOO_LONG;
	if (fault != NAME_OK)
		page_errors_add(&creation->errors, "name",
				name_fault_words(page, &rules, fault));
}

static void check_quota(struct page *page, struct creation *creation)
{
	const struct settings *set = page->set;

	if (quota_parse(page_field(page, "quota"), &creation->quota) &&
	    creation->quota >= set->quota_min &&
	    creation->quota <= set->quota_max)
		return;
	page_errors_add(&creation->errors, "quota",
		language_text(page->arena, page->language, MSG_wrong_quota,
			      LANGUAGE_SIZE("min", set->quota_min),
			      LANGUAGE_SIZE("max", set->quota_max)));
}

static enum page_result post(struct page *page, struct creation *creation)
{
	enum page_result result;

	check_name(page, creation);
	check_quota(page, creation);
	if (page_mailbox_check_new_password(page, &creation->errors,
			creation->address[0] == '\0' ? creation->domain->name :
			creation->address))
		creation->work.new_password = page_field(page, "new");
	if (creation->errors.count > 0)
		return show(page, creation);
	if (!page_limit_account(page, "mailbox-create", &create_limit,
				&result))
		return result;
	page->context = creation;
	return page_run_slow(page, hash, file);
}

enum page_result page_mailbox_create(struct page *page)
{
	const bool is_post = page->request->method == HTTP_METHOD_POST;
	const char *name = is_post ? page_field(page, "domain") :
		page_query(page, "domain");
	struct creation *creation = arena_new(page->arena, struct creation, 1);
	struct domain *domain = arena_new(page->arena, struct domain, 1);
	const char *error;
	int ret = 0;

	if (strlen(name) < NAME_ADDRESS_MAX)
		ret = domain_find(page->db, page->arena, page->account, name,
				  domain, &error);
	if (ret <= 0)
		return ret < 0 ? page_failed(page, error) :
			page_error(page, 404);
	creation->domain = domain;
	mailbox_hash_work_init(page, &creation->work);
	return is_post ? post(page, creation) : show(page, creation);
}
