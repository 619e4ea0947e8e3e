#include "page-notice.h"
#include "arena.h"
#include "bytes.h"
#include "language.h"
#include "page.h"
#include "site-cookie.h"
#include "site.h"
#include "view-frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIFETIME_SECS 60
#define ADDRESS_MAX 254
/* Number, time, and two addresses in hex, and dots between. */
#define TEXT_MAX (32 + 4 * ADDRESS_MAX)

/* The cookie is "number.time.address.address.mac"; addresses are in hex. */
struct notice {
	enum page_notice notice;
	const char *address, *new_address;
};

static const char *text_of(const struct page *page, const struct notice *notice)
{
	struct arena *arena = page->arena;
	const struct language *language = page->language;
	const char *address = notice->address;

	switch (notice->notice) {
	case PAGE_NOTICE_NONE:
	case PAGE_NOTICE_COUNT:
		break;
	case PAGE_NOTICE_LOGGED_OUT:
		return language_text(arena, language, MSG_notice_logged_out);
	case PAGE_NOTICE_SESSION_EXPIRED:
		return language_text(arena, language,
				     MSG_notice_session_expired);
	case PAGE_NOTICE_PASSWORD_RESET:
		return language_text(arena, language,
				     MSG_notice_password_reset);
	case PAGE_NOTICE_ACCOUNT_PASSWORD:
		return language_text(arena, language,
				     MSG_notice_account_password);
	case PAGE_NOTICE_SESSIONS_ENDED:
		return language_text(arena, language,
				     MSG_notice_sessions_ended);
	case PAGE_NOTICE_TWO_FACTOR_OFF:
		return language_text(arena, language,
				     MSG_notice_two_factor_off);
	case PAGE_NOTICE_ALIAS_ADDED:
		return language_text(arena, language, MSG_notice_alias_added,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_ALIAS_RENAMED:
		return language_text(arena, language, MSG_notice_alias_renamed,
				     LANGUAGE_TEXT("address", address),
				     LANGUAGE_TEXT("new", notice->new_address));
	case PAGE_NOTICE_ALIAS_DELETED:
		return language_text(arena, language, MSG_notice_alias_deleted,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_MAILBOX_ASKED:
		return language_text(arena, language, MSG_notice_mailbox_asked,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_DELETION_CANCELED:
		return language_text(arena, language,
				     MSG_notice_deletion_canceled,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_PASSWORD_CANCELED:
		return language_text(arena, language,
				     MSG_notice_password_canceled,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_CREATION_CANCELED:
		return language_text(arena, language,
				     MSG_notice_creation_canceled,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_REQUEST_CANCELED:
		return language_text(arena, language,
				     MSG_notice_request_canceled);
	case PAGE_NOTICE_REQUEST_RETRIED:
		return language_text(arena, language,
				     MSG_notice_request_retried);
	case PAGE_NOTICE_REQUEST_BEGUN:
		return language_text(arena, language,
				     MSG_notice_request_begun);
	case PAGE_NOTICE_ACCOUNT_CHANGED:
		return language_text(arena, language,
				     MSG_notice_account_changed,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_DOMAIN_ADDED:
		return language_text(arena, language, MSG_notice_domain_added,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_DOMAIN_REMOVED:
		return language_text(arena, language,
				     MSG_notice_domain_removed,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_OWNER_GIVEN:
		return language_text(arena, language, MSG_notice_owner_given,
				     LANGUAGE_TEXT("address", address),
				     LANGUAGE_TEXT("new", notice->new_address));
	case PAGE_NOTICE_OWNER_TAKEN:
		return language_text(arena, language, MSG_notice_owner_taken,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_ACCOUNT_MADE:
		return language_text(arena, language, MSG_notice_account_made,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_ACCOUNT_MADE_SILENT:
		return language_text(arena, language,
				     MSG_notice_account_made_silent,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_ACCOUNT_DELETED:
		return language_text(arena, language,
				     MSG_notice_account_deleted,
				     LANGUAGE_TEXT("address", address));
	case PAGE_NOTICE_ADDRESS_FREED:
		return language_text(arena, language, MSG_notice_address_freed,
				     LANGUAGE_TEXT("address", address));
	}
	return NULL;
}

static void sign(const char *text, char mac_r[2 * SECRET_KEY_SIZE + 1])
{
	unsigned char mac[SECRET_KEY_SIZE];

	secret_key_hmac(site_secret_key, "notice", text, strlen(text), mac);
	bytes_to_hex(mac, sizeof(mac), mac_r);
}

static const char *hex_of(struct page *page, const char *address)
{
	const size_t size = address == NULL ? 0 : strlen(address);
	char *hex = arena_alloc(page->arena, 2 * size + 1);

	bytes_to_hex(address, size, hex);
	return hex;
}

void page_notice_set(struct page *page, enum page_notice notice,
		     const char *address, const char *new_address)
{
	char mac[2 * SECRET_KEY_SIZE + 1];
	const char *text;

	text = arena_printf(page->arena, "%u.%" PRIu64 ".%s.%s",
			    (unsigned int)notice, page->now + LIFETIME_SECS,
			    hex_of(page, address), hex_of(page, new_address));
	if (strlen(text) > TEXT_MAX)
		return;
	sign(text, mac);
	site_cookie_set(page, SITE_COOKIE_NOTICE,
			arena_printf(page->arena, "%s.%s", text, mac),
			LIFETIME_SECS);
}

static const char *address_of(struct page *page, const char *hex)
{
	const size_t size = strlen(hex) / 2;
	char *address = arena_alloc(page->arena, size + 1);

	return bytes_from_hex(hex, address, size) ? address : "";
}

/* What we have signed ourselves. */
static bool parse(struct page *page, char *text, struct notice *notice_r)
{
	char *fields[4], *p = text;
	unsigned long number;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		fields[i] = p;
		p = strchr(p, '.');
		if (p != NULL)
			*p++ = '\0';
		else if (i < 3)
			return false;
	}
	number = strtoul(fields[0], NULL, 10);
	if (number >= PAGE_NOTICE_COUNT ||
	    strtoull(fields[1], NULL, 10) < page->now)
		return false;
	notice_r->notice = (enum page_notice)number;
	notice_r->address = address_of(page, fields[2]);
	notice_r->new_address = address_of(page, fields[3]);
	return true;
}

static bool verify(struct page *page, const char *value,
		   struct notice *notice_r)
{
	char mac[2 * SECRET_KEY_SIZE + 1];
	const char *dot = strrchr(value, '.');
	char *text;

	if (dot == NULL || dot - value > TEXT_MAX ||
	    strlen(dot + 1) != sizeof(mac) - 1)
		return false;
	text = arena_strndup(page->arena, value, (size_t)(dot - value));
	sign(text, mac);
	return bytes_equal(mac, dot + 1, sizeof(mac) - 1) &&
		parse(page, text, notice_r);
}

unsigned int page_notice_take(struct page *page, struct view_notice *notice_r)
{
	const char *value = site_cookie_find(page, SITE_COOKIE_NOTICE);
	struct notice notice;

	if (value == NULL)
		return 0;
	site_cookie_clear(page, SITE_COOKIE_NOTICE);
	if (!verify(page, value, &notice))
		return 0;
	notice_r->kind = notice.notice == PAGE_NOTICE_SESSION_EXPIRED ||
		notice.notice == PAGE_NOTICE_REQUEST_BEGUN ?
		VIEW_NOTICE_INFO : VIEW_NOTICE_SUCCESS;
	notice_r->text = text_of(page, &notice);
	return notice_r->text == NULL ? 0 : 1;
}
