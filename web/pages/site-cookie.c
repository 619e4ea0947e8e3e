#include "site-cookie.h"
#include "arena.h"
#include "page.h"
#include "settings.h"

static const struct {
	const char *secure_name, *name;
} cookies[SITE_COOKIE_COUNT] = {
	[SITE_COOKIE_SESSION] = {
		"__Host-pymailadmin", "pymailadmin"
	},
	[SITE_COOKIE_FORM] = {
		"__Host-pymailadmin-form", "pymailadmin-form"
	},
	[SITE_COOKIE_LANGUAGE] = {
		"__Host-pymailadmin-language", "pymailadmin-language"
	},
	[SITE_COOKIE_NOTICE] = {
		"__Host-pymailadmin-notice", "pymailadmin-notice"
	},
	[SITE_COOKIE_DEVICE] = {
		"__Host-pymailadmin-device", "pymailadmin-device"
	},
};

static const char *name_of(const struct page *page, enum site_cookie cookie)
{
	return page->set->secure ? cookies[cookie].secure_name :
		cookies[cookie].name;
}

const char *site_cookie_find(const struct page *page, enum site_cookie cookie)
{
	const char *value;

	return http_request_cookie(page->request, name_of(page, cookie),
				   &value) > 0 ? value : NULL;
}

static void set(struct page *page, enum site_cookie cookie, const char *value,
		const char *max_age)
{
	page_set_cookie(page, arena_printf(page->arena,
		"%s=%s; Path=/%s; HttpOnly; SameSite=Lax%s",
		name_of(page, cookie), value, max_age,
		page->set->secure ? "; Secure" : ""));
}

void site_cookie_set(struct page *page, enum site_cookie cookie,
		     const char *value, unsigned int max_age_secs)
{
	set(page, cookie, value, max_age_secs == 0 ? "" :
	    arena_printf(page->arena, "; Max-Age=%u", max_age_secs));
}

void site_cookie_clear(struct page *page, enum site_cookie cookie)
{
	set(page, cookie, "", "; Max-Age=0");
}
