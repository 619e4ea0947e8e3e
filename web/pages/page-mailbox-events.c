#include "event.h"
#include "arena.h"
#include "page-mailbox-words.h"
#include "page.h"
#include "language.h"

#include <string.h>

/* Events of requests: "kind-state". */
static const struct {
	const char *kind;
	enum message text;
} texts[] = {
	{ "password-pending", MSG_event_password_asked },
	{ "password-done", MSG_event_password_changed },
	{ "password-failed", MSG_event_password_failed },
	{ "password-expired", MSG_event_password_expired },
	{ "password-canceled", MSG_event_password_canceled },
	{ "create-pending", MSG_event_create_asked },
	{ "create-done", MSG_event_created },
	{ "create-failed", MSG_event_create_failed },
	{ "create-expired", MSG_event_create_expired },
	{ "create-canceled", MSG_event_create_canceled },
	{ "delete-pending", MSG_event_delete_asked },
	{ "delete-done", MSG_event_deleted },
	{ "delete-failed", MSG_event_delete_failed },
	{ "delete-canceled", MSG_event_delete_canceled },
	{ "encrypt-done", MSG_event_encrypted },
	{ "close-pending", MSG_event_closed },
	{ "close-canceled", MSG_event_opened },
	{ "close-done", MSG_event_opened_by_time },
	{ "address-freed", MSG_event_address_freed },
};

/* The text of "alias-rename" and "owner-changed" is two addresses. */
static const char *split(struct page *page, const char *text,
			 const char **rest_r)
{
	const char *space = strchr(text, ' ');

	if (space == NULL) {
		*rest_r = "";
		return text;
	}
	*rest_r = space + 1;
	return arena_strndup(page->arena, text, (size_t)(space - text));
}

static const char *alias_words(struct page *page, const struct event *event)
{
	const char *new, *address = split(page, event->text, &new);

	if (strcmp(event->kind, "alias-rename") == 0)
		return language_text(page->arena, page->language,
				     MSG_event_alias_renamed,
				     LANGUAGE_TEXT("address", address),
				     LANGUAGE_TEXT("new", new));
	if (strcmp(event->kind, "alias-add") == 0)
		return language_text(page->arena, page->language,
				     MSG_event_alias_added,
				     LANGUAGE_TEXT("address", address));
	if (strcmp(event->kind, "alias-delete") == 0)
		return language_text(page->arena, page->language,
				     MSG_event_alias_deleted,
				     LANGUAGE_TEXT("address", address));
	return NULL;
}

/* "-": nobody's. */
static const char *owner_words(struct page *page, const struct event *event)
{
	const char *new, *old = split(page, event->text, &new);

	if (strcmp(event->kind, "owner-changed") != 0)
		return NULL;
	if (strcmp(old, "-") == 0)
		return language_text(page->arena, page->language,
				     MSG_event_owner_given,
				     LANGUAGE_TEXT("new", new));
	if (strcmp(new, "-") == 0)
		return language_text(page->arena, page->language,
				     MSG_event_owner_taken,
				     LANGUAGE_TEXT("address", old));
	return language_text(page->arena, page->language,
			     MSG_event_owner_changed,
			     LANGUAGE_TEXT("address", old),
			     LANGUAGE_TEXT("new", new));
}

void event_words(struct page *page, const struct event *event,
		 const char **text_r, const char **actor_r)
{
	unsigned int i;

	*text_r = alias_words(page, event);
	if (*text_r == NULL)
		*text_r = owner_words(page, event);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(event->kind, texts[i].kind) == 0)
			*text_r = language_text(page->arena, page->language,
						texts[i].text);
	}
	*actor_r = *text_r == NULL ? NULL :
		strchr(event->actor, '@') != NULL ? event->actor :
		language_text(page->arena, page->language,
			      MSG_event_actor_host);
}
