#include "page-mailbox-words.h"
#include "arena.h"
#include "heartbeat.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "page-mailbox-common.h"
#include "settings.h"
#include "views.h"

#include <string.h>

#define FAILURE_SHOWN_SECS (MAILBOX_FAILURE_DAYS * 24 * 3600)
/* By then a mail host that works has begun. */
#define USUAL_SECS 600

#define TEXT(page, message, ...) \
	language_text((page)->arena, (page)->language, \
		      message __VA_OPT__(,) __VA_ARGS__)

/* ---- fields */

static const char *weakness_words(struct page *page,
				  enum password_weakness weakness)
{
	switch (weakness) {
	case PASSWORD_WEAKNESS_WORD:
		return TEXT(page, MSG_wrong_password_word);
	case PASSWORD_WEAKNESS_USER_WORD:
		return TEXT(page, MSG_wrong_password_user_word);
	case PASSWORD_WEAKNESS_KEYBOARD:
		return TEXT(page, MSG_wrong_password_keyboard);
	case PASSWORD_WEAKNESS_REPEAT:
		return TEXT(page, MSG_wrong_password_repeat);
	case PASSWORD_WEAKNESS_SEQUENCE:
		return TEXT(page, MSG_wrong_password_sequence);
	case PASSWORD_WEAKNESS_DATE:
		return TEXT(page, MSG_wrong_password_date);
	case PASSWORD_WEAKNESS_NONE:
	case PASSWORD_WEAKNESS_SHORT:
	case PASSWORD_WEAKNESS_COUNT:
		break;
	}
	return TEXT(page, MSG_wrong_password_weak);
}

const char *password_fault_words(struct page *page,
				 const struct password_rules *rules,
				 enum password_fault fault,
				 enum password_weakness weakness)
{
	switch (fault) {
	case PASSWORD_TOO_SHORT:
		return TEXT(page, MSG_wrong_password_short,
			    LANGUAGE_NUMBER("min", rules->min_chars));
	case PASSWORD_TOO_LONG:
		return TEXT(page, MSG_wrong_password_long,
			    LANGUAGE_NUMBER("max", PASSWORD_CHARS_MAX));
	case PASSWORD_TOO_MANY_BYTES:
		return TEXT(page, MSG_wrong_password_bytes,
			    LANGUAGE_NUMBER("max", rules->max_bytes));
	case PASSWORD_OK:
	case PASSWORD_NOT_UTF8:
	case PASSWORD_CONTROL_CHARACTER:
		return TEXT(page, MSG_wrong_password_control);
	case PASSWORD_TOO_WEAK:
		break;
	}
	return weakness_words(page, weakness);
}

const char *name_fault_words(struct page *page, const struct name_rules *rules,
			     enum name_fault fault)
{
	switch (fault) {
	case NAME_EMPTY:
		return TEXT(page, MSG_wrong_name_empty);
	case NAME_TOO_SHORT:
		return TEXT(page, MSG_wrong_name_short,
			    LANGUAGE_NUMBER("min", rules->min));
	case NAME_TOO_LONG:
		return TEXT(page, MSG_wrong_name_long,
			    LANGUAGE_NUMBER("max", rules->max));
	case NAME_EDGE:
		return TEXT(page, MSG_wrong_name_edge);
	case NAME_DELIMITER:
		return TEXT(page, MSG_wrong_name_delimiter,
			    LANGUAGE_TEXT("characters", rules->delimiters));
	case NAME_RESERVED:
		return TEXT(page, MSG_wrong_name_reserved);
	case NAME_OK:
	case NAME_CHARACTER:
	case NAME_FAULT_COUNT:
		break;
	}
	return TEXT(page, MSG_wrong_name_characters);
}

/* ---- requests */

/* The outcomes of doveadm-pymailadmin(1). */
static const struct {
	const char *outcome;
	enum message reason, remedy;
} failures[] = {
	{ "wrong_password", MSG_failed_password, MSG_failed_password_remedy },
	{ "new_password", MSG_failed_new, MSG_failed_new_remedy },
	{ "expired", MSG_failed_expired, MSG_failed_expired_remedy },
	{ "lost", MSG_failed_expired, MSG_failed_expired_remedy },
	{ "canceled", MSG_failed_canceled, MSG_failed_canceled_remedy },
	{ "busy", MSG_failed_busy, MSG_failed_busy_remedy },
	{ "seal", MSG_failed_seal, MSG_failed_admin_remedy },
	{ "unknown_mailbox", MSG_failed_unknown, MSG_failed_admin_remedy },
	{ "unknown_user", MSG_failed_unknown, MSG_failed_admin_remedy },
	{ "key_password", MSG_failed_keys, MSG_failed_keys_remedy },
	{ "keys_unreadable", MSG_failed_keys, MSG_failed_keys_remedy },
	{ "old_hash", MSG_failed_settings, MSG_failed_admin_remedy },
	{ "new_hash", MSG_failed_settings, MSG_failed_admin_remedy },
	{ "settings", MSG_failed_settings, MSG_failed_admin_remedy },
	{ "user_lookup", MSG_failed_settings, MSG_failed_admin_remedy },
	{ "no_home", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "lock", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "journal", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "keys_not_written", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "hash_not_written", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "disk_full", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "storage", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "row_not_written", MSG_failed_storage, MSG_failed_admin_remedy },
	{ "unknown_domain", MSG_failed_settings, MSG_failed_admin_remedy },
	{ "quota", MSG_failed_settings, MSG_failed_admin_remedy },
	{ "taken", MSG_failed_taken, MSG_failed_taken_remedy },
	{ "home_not_empty", MSG_failed_home, MSG_failed_home_remedy },
};

void request_failure_words(struct page *page, const char *outcome,
			   const char **reason_r, const char **remedy_r)
{
	enum message reason = MSG_failed_other;
	enum message remedy = MSG_failed_other_remedy;
	unsigned int i;

	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (strcmp(outcome, failures[i].outcome) == 0) {
			reason = failures[i].reason;
			remedy = failures[i].remedy;
		}
	}
	*reason_r = language_text(page->arena, page->language, reason);
	*remedy_r = language_text(page->arena, page->language, remedy);
}

const char *request_waiting_words(struct page *page,
				  const struct mailbox_request *request)
{
	if (request->outcome[0] == '\0' ||
	    request_state_is_final(request->state) ||
	    /* a deletion that waits for its time only */
	    strcmp(request->outcome, "confirmed") == 0)
		return NULL;
	if (strcmp(request->outcome, "busy") == 0)
		return TEXT(page, MSG_waiting_busy);
	if (strcmp(request->outcome, "stuck") == 0)
		return TEXT(page, MSG_waiting_stuck);
	return TEXT(page, MSG_waiting_other);
}

const char *request_done_words(struct page *page,
			       const struct mailbox_request *request)
{
	if (request->state != REQUEST_STATE_DONE)
		return NULL;
	if (strcmp(request->outcome, "storage_left") == 0)
		return TEXT(page, MSG_done_storage_left);
	if (strcmp(request->outcome, "no_new_keys") == 0 ||
	    strcmp(request->outcome, "proof") == 0)
		return TEXT(page, MSG_done_keys_kept);
	return NULL;
}

/* Is it not the time yet at which the mail host should have begun? */
static bool is_usual(const struct page *page,
		     const struct mailbox_request *request)
{
	uint64_t due = request->created + USUAL_SECS;

	if (request->kind == REQUEST_KIND_DELETE)
		due += page->set->deletion_grace_secs;
	return request->now < due;
}

bool request_say_host(struct page *page, struct page_notices *notices,
		      const struct mailbox_request *request,
		      const char **error_r)
{
	struct heartbeat heartbeat;
	int ret;

	if (request == NULL || request->state != REQUEST_STATE_PENDING ||
	    request->kind == REQUEST_KIND_CLOSE)
		return true;
	ret = heartbeat_find(page->db, page->arena, &page->set->seal_key,
			     request->id, &heartbeat, error_r);
	if (ret < 0)
		return false;
	if (ret == 0 || heartbeat.age_secs > HEARTBEAT_MAX_SECS ||
	    !heartbeat.opens_seals)
		page_notices_add(notices, VIEW_NOTICE_WARNING,
				 TEXT(page, MSG_waiting_host));
	else if (!is_usual(page, request))
		page_notices_add(notices, VIEW_NOTICE_WARNING,
				 TEXT(page, MSG_waiting_long));
	return true;
}

bool request_is_overdue(const struct mailbox_request *request)
{
	return request->kind == REQUEST_KIND_PASSWORD &&
		!request->window_closed &&
		(request->state == REQUEST_STATE_PENDING ||
		 request->state == REQUEST_STATE_CLAIMED);
}

unsigned int request_percent(const struct mailbox_request *request)
{
	const bool by_bytes = request->bytes_total > 0;
	const uint64_t done = by_bytes ? request->bytes_done :
		request->mails_done;
	const uint64_t total = by_bytes ? request->bytes_total :
		request->mails_total;

	if (total == 0)
		return 0;
	return done >= total ? 100 :
		(unsigned int)((double)done / (double)total * 100);
}

uint64_t request_left_secs(const struct mailbox_request *request)
{
	const uint64_t done = request->bytes_done;
	uint64_t elapsed;

	if (request->storing_since == 0 || done == 0 ||
	    done >= request->bytes_total ||
	    request->now <= request->storing_since)
		return 0;
	elapsed = request->now - request->storing_since;
	return (uint64_t)((double)elapsed / (double)done *
			  (double)(request->bytes_total - done)) + 1;
}

/* ---- mailboxes */

static enum view_mailbox_status
password_status(const struct mailbox_request *request)
{
	if (request->window_closed)
		return request->state == REQUEST_STATE_PENDING ?
			VIEW_MAILBOX_CHANGE_ASKED : VIEW_MAILBOX_CLOSED;
	return request->state == REQUEST_STATE_REKEYING ||
		request->state == REQUEST_STATE_STORING ?
		VIEW_MAILBOX_ENCRYPTING : VIEW_MAILBOX_FAILED;
}

static enum view_mailbox_status
request_status(const struct mailbox_request *request)
{
	if (request_state_is_final(request->state))
		return (request->state == REQUEST_STATE_FAILED ||
			request->state == REQUEST_STATE_EXPIRED) &&
			request->now < request->ended + FAILURE_SHOWN_SECS ?
			VIEW_MAILBOX_FAILED : VIEW_MAILBOX_OPEN;
	switch (request->kind) {
	case REQUEST_KIND_PASSWORD:
		return password_status(request);
	case REQUEST_KIND_CREATE:
		return VIEW_MAILBOX_CREATING;
	case REQUEST_KIND_DELETE:
		return VIEW_MAILBOX_DELETION_SCHEDULED;
	case REQUEST_KIND_ENCRYPT:
		return VIEW_MAILBOX_ENCRYPTING;
	case REQUEST_KIND_CLOSE:
		return request->window_closed ? VIEW_MAILBOX_MAINTENANCE :
			VIEW_MAILBOX_OPEN;
	case REQUEST_KIND_COUNT:
		break;
	}
	return VIEW_MAILBOX_OPEN;
}

void mailbox_state_words(struct page *page, const struct mailbox *mailbox,
			 const struct mailbox_request *request,
			 struct view_mailbox_state *state_r)
{
	memset(state_r, 0, sizeof(*state_r));
	state_r->status = request == NULL ? VIEW_MAILBOX_OPEN :
		request_status(request);
	if (!mailbox->exists)
		state_r->status = VIEW_MAILBOX_CREATING;
	else if (!mailbox->active &&
		 (state_r->status == VIEW_MAILBOX_OPEN ||
		  state_r->status == VIEW_MAILBOX_FAILED))
		state_r->status = VIEW_MAILBOX_INACTIVE;
	if (request == NULL)
		return;
	state_r->percent = request_percent(request);
	if (state_r->status == VIEW_MAILBOX_DELETION_SCHEDULED)
		state_r->until = request->created +
			page->set->deletion_grace_secs;
	else if (state_r->status == VIEW_MAILBOX_CHANGE_ASKED ||
		 state_r->status == VIEW_MAILBOX_CLOSED ||
		 state_r->status == VIEW_MAILBOX_MAINTENANCE)
		state_r->until = request->window_opens;
	else if (state_r->status == VIEW_MAILBOX_FAILED)
		request_failure_words(page, request_is_overdue(request) ?
				      "expired" : request->outcome,
				      &state_r->reason, &state_r->remedy);
}
