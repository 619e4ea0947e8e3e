#include "page-mailbox-common.h"
#include "account.h"
#include "arena.h"
#include "buffer.h"
#include "html.h"
#include "log.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "names.h"
#include "page-limit.h"
#include "page-password.h"
#include "password-rules.h"
#include "settings.h"
#include "views.h"

#include <stdarg.h>
#include <string.h>

const char *page_mailbox_asked(struct page *page)
{
	return page->request->method == HTTP_METHOD_POST ?
		page_field(page, "address") : page_query(page, "address");
}

bool page_mailbox_find(struct page *page, const char *address,
		       struct mailbox **mailbox_r, enum page_result *result_r)
{
	const char *error;
	int ret = 0;

	if (address != NULL && strlen(address) <= NAME_ADDRESS_MAX)
		ret = mailbox_find(page->db, page->arena, page->account,
				   address, mailbox_r, &error);
	if (ret < 0)
		*result_r = page_failed(page, error);
	else if (ret == 0)
		*result_r = page_error(page, 404);
	return ret > 0;
}

bool page_mailbox_find_request(struct page *page,
			       const struct mailbox *mailbox,
			       struct mailbox_request **request_r,
			       enum page_result *result_r)
{
	const char *error;
	int ret;

	*request_r = NULL;
	ret = mailbox_request_find(page->db, page->arena, page->account,
				   mailbox->address,
				   page->set->rekey_window_secs, request_r,
				   &error);
	if (ret < 0)
		*result_r = page_failed(page, error);
	return ret >= 0;
}

bool page_mailbox_is_busy(const struct mailbox *mailbox)
{
	return mailbox->has_request &&
		mailbox->request_state != REQUEST_STATE_STORING;
}

bool page_mailbox_is_super_admin(const struct page *page)
{
	return page->account->role == ACCOUNT_ROLE_SUPER_ADMIN;
}

/* ---- addresses of pages */

const char *page_mailbox_url(struct page *page, const char *path, ...)
{
	struct buffer url = BUFFER_INIT;
	const char *name, *copy;
	char separator = '?';
	va_list args;

	buffer_append_str(&url, path);
	va_start(args, path);
	while ((name = va_arg(args, const char *)) != NULL) {
		buffer_append_char(&url, separator);
		buffer_append_str(&url, name);
		buffer_append_char(&url, '=');
		html_url(&url, va_arg(args, const char *));
		separator = '&';
	}
	va_end(args);
	copy = arena_strdup(page->arena, buffer_str(&url));
	buffer_free(&url);
	return copy;
}

enum page_result page_mailbox_redirect(struct page *page, const char *address)
{
	return page_redirect(page, page_mailbox_url(page, "/mailbox", "address",
						    address, NULL));
}

/* ---- showing */

void page_notices_add(struct page_notices *notices, enum view_notice_kind kind,
		      const char *text)
{
	if (notices->count < PAGE_NOTICES_MAX)
		notices->notices[notices->count++] =
			(struct view_notice){ kind, text };
}

const struct view_frame *page_notices_frame(struct page *page,
					    const struct page_notices *notices)
{
	const struct view_frame *plain = page_frame(page, NULL);
	const unsigned int count = plain->notices_count + notices->count;
	struct view_frame *frame =
		arena_memdup(page->arena, plain, sizeof(*plain));
	struct view_notice *all =
		arena_new(page->arena, struct view_notice, count + 1);
	unsigned int i;

	for (i = 0; i < count; i++)
		all[i] = i < plain->notices_count ? plain->notices[i] :
			notices->notices[i - plain->notices_count];
	frame->notices = all;
	frame->notices_count = count;
	return frame;
}

/* ---- limits */

void page_mailbox_limits(const struct page *page, struct view_limits *limits_r)
{
	const struct settings *set = page->set;

	*limits_r = (struct view_limits){
		.name_min = set->mailbox_name_min, .name_max = set->name_max,
		.password_min = set->password_min_length,
		.password_max = PASSWORD_CHARS_MAX,
		.quota_min = set->quota_min, .quota_max = set->quota_max,
	};
	if (page_mailbox_is_super_admin(page))
		limits_r->name_min = 1;
}

void page_mailbox_name_rules(struct page *page, unsigned int min,
			     struct name_rules *rules_r)
{
	const struct settings_list *names = &page->set->reserved_names;
	const char **reserved =
		arena_new(page->arena, const char *, names->count + 1);
	size_t i;

	for (i = 0; i < names->count; i++)
		reserved[i] = names->items[i];
	*rules_r = (struct name_rules){
		.min = min, .max = page->set->name_max,
		.delimiters = page->set->recipient_delimiter,
		.reserved = reserved,
	};
}

unsigned int page_mailbox_max_aliases(const struct page *page)
{
	if (page_mailbox_is_super_admin(page))
		return 0;
	return page->account->max_aliases == ACCOUNT_LIMIT_DEFAULT ?
		page->set->max_aliases : page->account->max_aliases;
}

/* ---- passwords */

bool page_mailbox_check_new_password(struct page *page,
				     struct page_errors *errors,
				     const char *address)
{
	const enum mailbox_hash_scheme scheme =
		(enum mailbox_hash_scheme)page->set->password_scheme;

	return page_password_check_new(page, address,
				       mailbox_hash_password_max(scheme),
				       errors);
}

bool page_mailbox_read_hash(struct page *page, const struct mailbox *mailbox,
			    struct mailbox_hash_work *work,
			    enum page_result *result_r)
{
	const char *error;
	int ret;

	if (!page_limit(page, "mailbox-password", mailbox->address,
			&page->set->limit_login_account, result_r))
		return false;
	ret = mailbox_get_hash(page->db, page->arena, page->account,
			       mailbox->address, &work->stored_hash, &error);
	if (ret < 0)
		*result_r = page_failed(page, error);
	else if (ret == 0)
		*result_r = page_error(page, 404);
	return ret > 0;
}

void page_mailbox_log_wrong(const struct page *page,
			    const struct mailbox *mailbox)
{
	log_event(LOG_LEVEL_WARNING, "mailbox-password-wrong",
		  "address", mailbox->address,
		  "account", page->account->email,
		  "request", page->request->id, NULL);
}

void mailbox_hash_work_init(const struct page *page,
			    struct mailbox_hash_work *work_r)
{
	const struct settings *set = page->set;

	memset(work_r, 0, sizeof(*work_r));
	work_r->scheme = (enum mailbox_hash_scheme)set->password_scheme;
	work_r->cost = (struct mailbox_hash_cost){
		.argon2_memory = set->password_argon2_memory,
		.argon2_time = set->password_argon2_time,
		.argon2_parallelism = set->password_argon2_parallelism,
		.bcrypt_cost = set->password_bcrypt_cost,
		.sha_rounds = set->password_sha_rounds,
		.pbkdf2_rounds = set->password_pbkdf2_rounds,
	};
}

void mailbox_hash_work_run(struct mailbox_hash_work *work)
{
	/* What cannot be checked here is checked by the mail host, before it
	   changes anything. */
	work->is_right = work->password == NULL ||
		mailbox_hash_verify(work->stored_hash, work->password) !=
		MAILBOX_HASH_WRONG;
	work->has_new_hash = work->is_right && work->new_password != NULL &&
		mailbox_hash_generate(work->scheme, &work->cost,
				      work->new_password, work->new_hash);
}

_Static_assert((int)MAILBOX_HASH_ARGON2ID == (int)PASSWORD_SCHEME_ARGON2ID &&
	       (int)MAILBOX_HASH_ARGON2I == (int)PASSWORD_SCHEME_ARGON2I &&
	       (int)MAILBOX_HASH_BLF_CRYPT == (int)PASSWORD_SCHEME_BLF_CRYPT &&
	       (int)MAILBOX_HASH_SHA512_CRYPT ==
	       (int)PASSWORD_SCHEME_SHA512_CRYPT &&
	       (int)MAILBOX_HASH_SHA256_CRYPT ==
	       (int)PASSWORD_SCHEME_SHA256_CRYPT &&
	       (int)MAILBOX_HASH_PBKDF2 == (int)PASSWORD_SCHEME_PBKDF2,
	       "the settings name the schemes in this order");

/* ---- requests */

bool page_mailbox_file(struct page *page, const struct mailbox_request_new *new,
		       enum mailbox_request_result *filed_r,
		       enum page_result *result_r)
{
	const char *id, *error, *event;

	if (mailbox_request_file(page->db, page->arena, &page->set->seal_key,
				 page->account, new, filed_r, &id,
				 &error) < 0) {
		*result_r = page_failed(page, error);
		return false;
	}
	if (*filed_r == MAILBOX_REQUEST_NOT_FOUND) {
		*result_r = page_error(page, 404);
		return false;
	}
	if (*filed_r != MAILBOX_REQUEST_FILED)
		return true;
	event = arena_printf(page->arena, "mailbox-%s-filed",
			     request_kind_name(new->kind));
	log_event(LOG_LEVEL_INFO, event, "address", new->address,
		  "account", page->account->email, "id", id,
		  "request", page->request->id, NULL);
	return true;
}
