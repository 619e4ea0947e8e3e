#include "page-events.h"
#include "arena.h"
#include "event.h"
#include "page-frame.h"
#include "views-admin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In the order in which they are offered. */
static const struct {
	const char *kind;
	enum message text;
} kinds[] = {
	{ "setup-done", MSG_kind_setup_done },
	{ "login", MSG_kind_login },
	{ "login-backup-code", MSG_kind_login_backup_code },
	{ "account-password-changed", MSG_kind_account_password },
	{ "account-password-reset", MSG_kind_account_password_reset },
	{ "two-factor-on", MSG_kind_two_factor_on },
	{ "two-factor-off", MSG_kind_two_factor_off },
	{ "backup-codes-changed", MSG_kind_backup_codes },
	{ "registration-confirmed", MSG_kind_registration_confirmed },
	{ "registration-accepted", MSG_kind_registration_accepted },
	{ "registration-declined", MSG_kind_registration_declined },
	{ "registration-dropped", MSG_kind_registration_dropped },
	{ "invitation-made", MSG_kind_invitation_made },
	{ "invitation-ended", MSG_kind_invitation_ended },
	{ "account-made", MSG_kind_account_made },
	{ "account-deleted", MSG_kind_account_deleted },
	{ "account-activated", MSG_kind_account_activated },
	{ "account-deactivated", MSG_kind_account_deactivated },
	{ "account-role", MSG_kind_account_role },
	{ "account-limits", MSG_kind_account_limits },
	{ "account-domains-given", MSG_kind_account_domains_given },
	{ "account-domains-taken", MSG_kind_account_domains_taken },
	{ "account-sessions-ended", MSG_kind_account_sessions },
	{ "account-two-factor-reset", MSG_kind_account_two_factor },
	{ "domain-added", MSG_kind_domain_added },
	{ "domain-removed", MSG_kind_domain_removed },
	{ "owner-changed", MSG_kind_owner_changed },
	{ "address-freed", MSG_kind_address_freed },
	{ "alias-add", MSG_kind_alias_added },
	{ "alias-rename", MSG_kind_alias_renamed },
	{ "alias-delete", MSG_kind_alias_deleted },
	{ "password-pending", MSG_kind_password_asked },
	{ "password-done", MSG_kind_password_done },
	{ "password-failed", MSG_kind_password_failed },
	{ "password-expired", MSG_kind_password_expired },
	{ "password-canceled", MSG_kind_password_canceled },
	{ "password-retried", MSG_kind_password_retried },
	{ "create-pending", MSG_kind_create_asked },
	{ "create-done", MSG_kind_create_done },
	{ "create-failed", MSG_kind_create_failed },
	{ "create-expired", MSG_kind_create_expired },
	{ "create-canceled", MSG_kind_create_canceled },
	{ "create-retried", MSG_kind_create_retried },
	{ "delete-pending", MSG_kind_delete_asked },
	{ "delete-done", MSG_kind_delete_done },
	{ "delete-failed", MSG_kind_delete_failed },
	{ "delete-canceled", MSG_kind_delete_canceled },
	{ "delete-retried", MSG_kind_delete_retried },
	{ "encrypt-pending", MSG_kind_encrypt_asked },
	{ "encrypt-done", MSG_kind_encrypt_done },
	{ "encrypt-failed", MSG_kind_encrypt_failed },
	{ "encrypt-canceled", MSG_kind_encrypt_canceled },
	{ "encrypt-retried", MSG_kind_encrypt_retried },
	{ "close-pending", MSG_kind_close },
	{ "close-canceled", MSG_kind_close_opened },
	{ "close-done", MSG_kind_close_done },
};

#define KINDS_COUNT (sizeof(kinds) / sizeof(kinds[0]))

struct query {
	const char *address, *actor, *kind, *from, *to, *after;
};

/* One that is not known is called by its code. */
static const char *kind_words(struct page *page, const char *kind)
{
	size_t i;

	for (i = 0; i < KINDS_COUNT; i++) {
		if (strcmp(kind, kinds[i].kind) == 0)
			return language_text(page->arena, page->language,
					     kinds[i].text);
	}
	return kind;
}

static bool parse_digits(const char *text, size_t count, int *number_r)
{
	size_t i;

	*number_r = 0;
	for (i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*number_r = *number_r * 10 + (text[i] - '0');
	}
	return true;
}

static struct tm day_of(int year, int month, int day)
{
	return (struct tm){
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
		.tm_isdst = -1,
	};
}

/* "2026-11-24": when it begins, in the time that pages show, or with next the
   day after. "" is 0. Returns false if it is no day. */
static bool parse_day(const char *text, bool next, uint64_t *time_r)
{
	struct tm tm;
	int year, month, day;
	time_t begins;

	*time_r = 0;
	if (text[0] == '\0')
		return true;
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
	    !parse_digits(text, 4, &year) || !parse_digits(text + 5, 2, &month) ||
	    !parse_digits(text + 8, 2, &day) || year < 1971 || year > 9000)
		return false;
	/* 30 February becomes another day */
	tm = day_of(year, month, day);
	if (mktime(&tm) <= 0 || tm.tm_mon != month - 1 || tm.tm_mday != day)
		return false;
	tm = day_of(year, month, day + (next ? 1 : 0));
	begins = mktime(&tm);
	*time_r = (uint64_t)begins;
	return true;
}

static void read_query(struct page *page, struct query *query_r)
{
	query_r->address = page_query(page, "address");
	query_r->actor = page_query(page, "actor");
	query_r->kind = page_query(page, "kind");
	query_r->from = page_query(page, "from");
	query_r->to = page_query(page, "to");
	query_r->after = page_query(page, "after");
}

static const char *wanted(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

static void make_filter(struct page *page, const struct query *query,
			struct event_filter *filter_r,
			struct page_errors *errors)
{
	const char *wrong = language_text(page->arena, page->language,
					  MSG_wrong_day);

	*filter_r = (struct event_filter){
		.address = wanted(query->address),
		.actor = wanted(query->actor), .kind = wanted(query->kind),
		.before = strtoull(query->after, NULL, 10),
	};
	if (!parse_day(query->from, false, &filter_r->from))
		page_errors_add(errors, "from", wrong);
	if (!parse_day(query->to, true, &filter_r->to))
		page_errors_add(errors, "to", wrong);
}

static void list_kinds(struct page *page, struct view_events *v)
{
	struct view_events_kind *list = arena_new(page->arena,
		struct view_events_kind, KINDS_COUNT + 1);
	bool found = v->kind[0] == '\0';
	size_t i;

	for (i = 0; i < KINDS_COUNT; i++) {
		list[i] = (struct view_events_kind){
			.kind = kinds[i].kind,
			.text = kind_words(page, kinds[i].kind),
			.is_chosen = strcmp(kinds[i].kind, v->kind) == 0,
		};
		found = found || list[i].is_chosen;
	}
	if (!found)
		list[i++] = (struct view_events_kind){
			.kind = v->kind, .text = v->kind, .is_chosen = true,
		};
	v->kinds = list;
	v->kinds_count = (unsigned int)i;
}

static int load_rows(struct page *page, const struct event_filter *filter,
		     struct view_events *v, const char **error_r)
{
	struct view_events_row *rows;
	struct event_list list;
	bool more;
	size_t i;

	if (event_search(page->db, page->arena, filter, &list, &more,
			 error_r) < 0)
		return -1;
	rows = arena_new(page->arena, struct view_events_row, list.count + 1);
	for (i = 0; i < list.count; i++) {
		const struct event *event = &list.events[i];

		rows[i] = (struct view_events_row){
			.time = event->created, .actor = event->actor,
			.text = kind_words(page, event->kind),
			.address = event->address,
			.details = wanted(event->text),
		};
	}
	v->rows = rows;
	v->rows_count = (unsigned int)list.count;
	if (more)
		v->next = arena_printf(page->arena, "%" PRIu64,
				       list.events[list.count - 1].id);
	return 0;
}

enum page_result page_events(struct page *page)
{
	struct page_errors errors = { .count = 0 };
	struct event_filter filter;
	struct query query;
	const char *error;

	read_query(page, &query);
	make_filter(page, &query, &filter, &errors);
	struct view_events v = {
		.address = query.address, .actor = query.actor,
		.kind = query.kind,
		.from = filter.from == 0 ? "" : query.from,
		.to = filter.to == 0 ? "" : query.to,
		.is_filtered = filter.address != NULL ||
			filter.actor != NULL || filter.kind != NULL ||
			query.from[0] != '\0' || query.to[0] != '\0',
		.is_wrong = errors.count > 0,
		.is_later_page = query.after[0] != '\0',
	};
	list_kinds(page, &v);
	if (!v.is_wrong && load_rows(page, &filter, &v, &error) < 0)
		return page_failed(page, error);
	return page_show(page, view_events, &errors, &v);
}
