#include "page-invitations.h"
#include "account.h"
#include "arena.h"
#include "invitation.h"
#include "log.h"
#include "page-domain-choice.h"
#include "page-frame.h"
#include "page-moderation.h"
#include "settings.h"
#include "site.h"
#include "text.h"
#include "views-join.h"

#include <inttypes.h>

/* Of the list. Who has more of his own makes no more. */
#define ROWS 200
#define PATH "/moderation/invitations"
#define DAY_SECS 86400

struct form {
	struct page *page;
	struct page_domain_choice choice;
	struct page_errors errors;
	uint64_t uses, days;
	/* The code that was made, or "". */
	char code[INVITATION_CODE_SIZE];
};

static void fill(struct page *page, const struct invitation_list *list,
		 struct view_invitations *v)
{
	struct view_invitation *rows = arena_new(page->arena,
		struct view_invitation, list->count + 1);
	size_t i;

	for (i = 0; i < list->count; i++)
		rows[i] = (struct view_invitation){
			.id = arena_printf(page->arena, "%" PRIu64,
					   list->invitations[i].id),
			.note = list->invitations[i].note[0] == '\0' ?
				NULL : list->invitations[i].note,
			.maker = list->invitations[i].maker,
			.domains = list->invitations[i].domains,
			.uses = list->invitations[i].uses,
			.used = list->invitations[i].used,
			.expires = list->invitations[i].expires,
		};
	v->invitations = rows;
	v->invitations_count = (unsigned int)list->count;
}

static enum page_result show(struct form *form)
{
	struct page *page = form->page;
	const bool again = form->errors.count > 0;
	struct view_invitations v = {
		.domains = form->choice.rows,
		.domains_count = form->choice.count,
		.has_more_domains = form->choice.has_more,
		.more_domains = form->choice.more,
		.note = again ? page_field(page, "note") : "",
		.uses = again ? page_field(page, "uses") : "1",
		.days = again ? page_field(page, "days") : "14",
		.uses_max = INVITATION_USES_MAX,
		.days_max = INVITATION_DAYS_MAX,
	};
	struct invitation_list list;
	const char *error;

	if (invitation_list(page->db, page->arena, page->account, ROWS, &list,
			    &error) < 0)
		return page_failed(page, error);
	fill(page, &list, &v);
	if (form->code[0] != '\0') {
		v.code = form->code;
		v.url = arena_printf(page->arena, "%s/register?code=%s",
				     page->set->base_url, form->code);
	}
	return page_show(page, view_invitations, &form->errors, &v);
}

static void read_number(struct form *form, const char *field, uint64_t max,
			uint64_t *number_r)
{
	struct page *page = form->page;

	if (!page_moderation_number(page_field(page, field), 1, max, number_r))
		page_errors_add(&form->errors, field, language_text(page->arena,
			page->language, MSG_wrong_number,
			LANGUAGE_NUMBER("min", 1),
			LANGUAGE_NUMBER("max", max)));
}

static enum page_result make(struct form *form)
{
	struct page *page = form->page;
	const char *note = page_field(page, "note"), *error;
	enum registration_result result;

	read_number(form, "uses", INVITATION_USES_MAX, &form->uses);
	read_number(form, "days", INVITATION_DAYS_MAX, &form->days);
	if (text_characters(note) > INVITATION_NOTE_MAX)
		page_errors_add(&form->errors, "note", language_text(
			page->arena, page->language, MSG_wrong_message_long,
			LANGUAGE_NUMBER("max", INVITATION_NOTE_MAX)));
	if (form->errors.count > 0)
		return show(form);
	if (invitation_add(page->db, page->arena, site_secret_key,
			   page->account->id, note, (unsigned int)form->uses,
			   form->days * DAY_SECS, form->choice.json,
			   form->code, &result, &error) < 0)
		return page_failed(page, error);
	if (result == REGISTRATION_NOT_FOUND)
		return page_error(page, 404);
	if (result == REGISTRATION_LIMIT)
		page_errors_add(&form->errors, NULL, language_text(page->arena,
			page->language, MSG_wrong_invitations_full));
	else if (result != REGISTRATION_DONE)
		page_errors_add(&form->errors, "domains", language_text(
			page->arena, page->language, MSG_wrong_domains_none));
	else
		log_event(LOG_LEVEL_INFO, "invitation-made",
			  "account", page->account->email,
			  "client", page->request->client_address,
			  "request", page->request->id, NULL);
	return show(form);
}

enum page_result page_invitations(struct page *page)
{
	struct form *form = arena_new(page->arena, struct form, 1);
	const char *error;

	form->page = page;
	if (page_domain_choice(page, "", &form->choice, &error) < 0)
		return page_failed(page, error);
	return page->request->method == HTTP_METHOD_POST ? make(form) :
		show(form);
}

enum page_result page_invitations_end(struct page *page)
{
	enum registration_result result;
	const char *error;
	uint64_t id;

	if (!page_moderation_number(page_field(page, "id"), 1, INT64_MAX, &id))
		return page_error(page, 404);
	if (invitation_end(page->db, page->arena, page->account->id, id,
			   &result, &error) < 0)
		return page_failed(page, error);
	if (result == REGISTRATION_DONE)
		log_event(LOG_LEVEL_INFO, "invitation-ended",
			  "account", page->account->email,
			  "client", page->request->client_address,
			  "request", page->request->id, NULL);
	return page_redirect(page, PATH);
}
