#include "page-moderation.h"
#include "account.h"
#include "arena.h"
#include "invitation.h"
#include "log.h"
#include "page-domain-choice.h"
#include "page-frame.h"
#include "registration.h"
#include "settings.h"
#include "views-join.h"

#include <inttypes.h>
#include <string.h>

#define ROWS 20
#define LIMIT_MAX 10000

/* What is asked about one registration. */
struct answer {
	struct page *page;
	struct registration registration;
	struct page_domain_choice choice;
	struct page_errors errors;
};

bool page_moderation_number(const char *text, uint64_t min, uint64_t max,
			    uint64_t *number_r)
{
	uint64_t number = 0;

	if (*text == '\0')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (number > max / 10)
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
	}
	if (*text != '\0' || number < min || number > max)
		return false;
	*number_r = number;
	return true;
}

static const char *id_text(struct page *page, uint64_t id)
{
	return arena_printf(page->arena, "%" PRIu64, id);
}

static void fill(const struct page *page,
		 const struct registration *registration,
		 struct view_applicant *applicant_r)
{
	*applicant_r = (struct view_applicant){
		.email = registration->email,
		.reason = registration->reason,
		.network = registration->network,
		.waits_secs = page->now > registration->confirmed ?
			page->now - registration->confirmed : 0,
		.invited_by = registration->invited_by,
		.invitation_note = registration->invitation_note,
	};
	if (applicant_r->invitation_note != NULL &&
	    applicant_r->invitation_note[0] == '\0')
		applicant_r->invitation_note = NULL;
}

/* ---- the queue */

enum page_result page_moderation(struct page *page)
{
	const char *after_text = page_query(page, "after"), *error;
	struct view_application *rows;
	struct view_moderation v = { .next = NULL };
	struct registration_list list;
	uint64_t after = 0;
	size_t i;

	(void)page_moderation_number(after_text, 1, UINT32_MAX, &after);
	if (registration_list(page->db, page->arena, after, ROWS + 1, &list,
			      &error) < 0)
		return page_failed(page, error);
	rows = arena_new(page->arena, struct view_application, ROWS);
	for (i = 0; i < list.count && i < ROWS; i++) {
		rows[i].id = id_text(page, list.registrations[i].id);
		fill(page, &list.registrations[i], &rows[i].applicant);
	}
	v.applications = rows;
	v.applications_count = (unsigned int)i;
	if (list.count > ROWS)
		v.next = rows[ROWS - 1].id;
	v.is_later_page = after > 0;
	return page_show(page, view_moderation, NULL, &v);
}

/* ---- one of them */

static enum page_result show_done(struct page *page, unsigned int status,
				  const struct view_moderation_done *v)
{
	page->response->status = status;
	return page_show(page, view_moderation_done, NULL, v);
}

static enum page_result show_gone(struct page *page)
{
	const struct view_moderation_done v = { .what = VIEW_MODERATION_GONE };

	return show_done(page, 404, &v);
}

/* Returns false if the page is answered. */
static bool begin(struct page *page, struct answer *answer_r,
		  enum page_result *result_r)
{
	const bool post = page->request->method == HTTP_METHOD_POST;
	const char *proposed = "", *error;
	uint64_t id;
	int ret;

	memset(answer_r, 0, sizeof(*answer_r));
	answer_r->page = page;
	if (!page_moderation_number(post ? page_field(page, "id") :
				    page_query(page, "id"), 1, INT64_MAX,
				    &id)) {
		*result_r = page_error(page, 404);
		return false;
	}
	ret = registration_find(page->db, page->arena, id,
				&answer_r->registration, &error);
	if (ret == 0) {
		*result_r = show_gone(page);
		return false;
	}
	if (ret > 0 && answer_r->registration.invitation_id != 0)
		ret = invitation_domains(page->db, page->arena,
			answer_r->registration.invitation_id, &proposed,
			&error);
	if (ret >= 0)
		ret = page_domain_choice(page, proposed, &answer_r->choice,
					 &error);
	if (ret < 0)
		*result_r = page_failed(page, error);
	return ret >= 0;
}

static enum page_result show(const struct answer *answer)
{
	struct page *page = answer->page;
	struct view_moderation_answer v = {
		.id = id_text(page, answer->registration.id),
		.domains = answer->choice.rows,
		.domains_count = answer->choice.count,
		.has_more_domains = answer->choice.has_more,
		.more_domains = answer->choice.more,
		.max_mailboxes = page_field(page, "max-mailboxes"),
		.max_aliases = page_field(page, "max-aliases"),
		.message = page_field(page, "message"),
		.default_mailboxes = page->set->max_mailboxes,
		.default_aliases = page->set->max_aliases,
		.message_max = REGISTRATION_MESSAGE_MAX,
	};

	fill(page, &answer->registration, &v.applicant);
	return page_show(page, view_moderation_answer, &answer->errors, &v);
}

enum page_result page_moderation_answer(struct page *page)
{
	struct answer answer;
	enum page_result result;

	return begin(page, &answer, &result) ? show(&answer) : result;
}

static void log_decision(const struct answer *answer, const char *event)
{
	const struct page *page = answer->page;

	log_event(LOG_LEVEL_INFO, event, "account", page->account->email,
		  "subject", answer->registration.email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
}

/* An empty field leaves it to the settings. */
static unsigned int read_limit(struct answer *answer, const char *field)
{
	struct page *page = answer->page;
	const char *text = page_field(page, field);
	uint64_t number;

	if (text[0] == '\0')
		return ACCOUNT_LIMIT_DEFAULT;
	if (page_moderation_number(text, 0, LIMIT_MAX, &number))
		return (unsigned int)number;
	page_errors_add(&answer->errors, field, language_text(page->arena,
		page->language, MSG_wrong_number,
		LANGUAGE_NUMBER("min", 0), LANGUAGE_NUMBER("max", LIMIT_MAX)));
	return ACCOUNT_LIMIT_DEFAULT;
}

enum page_result page_moderation_accept(struct page *page)
{
	struct view_moderation_done v = { .what = VIEW_MODERATION_ACCEPTED };
	enum registration_result accepted;
	unsigned int max_mailboxes, max_aliases;
	struct answer answer;
	enum page_result result;
	const char *error;

	if (!begin(page, &answer, &result))
		return result;
	max_mailboxes = read_limit(&answer, "max-mailboxes");
	max_aliases = read_limit(&answer, "max-aliases");
	if (answer.errors.count > 0)
		return show(&answer);
	if (registration_accept(page->db, page->arena, page->account->id,
				answer.registration.id, answer.choice.json,
				max_mailboxes, max_aliases, &accepted,
				&error) < 0)
		return page_failed(page, error);
	switch (accepted) {
	case REGISTRATION_DONE:
		log_decision(&answer, "registration-accepted");
		v.email = answer.registration.email;
		return show_done(page, 200, &v);
	case REGISTRATION_ACCOUNT:
		page_errors_add(&answer.errors, NULL, language_text(page->arena,
			page->language, MSG_wrong_account_exists));
		return show(&answer);
	case REGISTRATION_DOMAINS:
		page_errors_add(&answer.errors, "domains",
			language_text(page->arena, page->language,
				      MSG_wrong_domains));
		return show(&answer);
	default:
		return show_gone(page);
	}
}

/* What is only white space is no message. */
static const char *message_of(const struct page *page)
{
	const char *message = page_field(page, "message");

	message += strspn(message, " \t\n");
	return message[0] == '\0' ? NULL : message;
}

enum page_result page_moderation_decline(struct page *page)
{
	struct view_moderation_done v = { .what = VIEW_MODERATION_DROPPED };
	const char *message = message_of(page), *error;
	enum registration_result declined;
	struct answer answer;
	enum page_result result;

	if (!begin(page, &answer, &result))
		return result;
	if (registration_decline(page->db, page->arena, page->account->id,
				 answer.registration.id, message, &declined,
				 &error) < 0)
		return page_failed(page, error);
	if (declined == REGISTRATION_MALFORMED) {
		page_errors_add(&answer.errors, "message", language_text(
			page->arena, page->language, MSG_wrong_message_long,
			LANGUAGE_NUMBER("max", REGISTRATION_MESSAGE_MAX)));
		return show(&answer);
	}
	if (declined != REGISTRATION_DONE)
		return show_gone(page);
	log_decision(&answer, message == NULL ? "registration-dropped" :
		     "registration-declined");
	if (message != NULL)
		v.what = VIEW_MODERATION_DECLINED;
	v.email = answer.registration.email;
	return show_done(page, 200, &v);
}
