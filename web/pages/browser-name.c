#include "browser-name.h"
#include "arena.h"

#include <stddef.h>
#include <string.h>

struct word {
	/* How it is found, and what it is called. */
	const char *text, *name;
};

/* Most name others too, to be served like them: the first found counts. */
static const struct word browsers[] = {
	{ "Edg", "Edge" },
	{ "OPR/", "Opera" },
	{ "Vivaldi/", "Vivaldi" },
	{ "SamsungBrowser/", "Samsung Internet" },
	{ "Firefox/", "Firefox" },
	{ "FxiOS/", "Firefox" },
	{ "CriOS/", "Chrome" },
	{ "Chromium/", "Chromium" },
	{ "Chrome/", "Chrome" },
	{ "Safari/", "Safari" },
	{ NULL, NULL }
};

static const struct word systems[] = {
	{ "iPhone", "iPhone" },
	{ "iPad", "iPad" },
	{ "Android", "Android" },
	{ "CrOS", "ChromeOS" },
	{ "Windows", "Windows" },
	{ "Mac OS X", "macOS" },
	{ "Linux", "Linux" },
	{ "BSD", "BSD" },
	{ NULL, NULL }
};

static const char *find(const struct word *words, const char *text)
{
	for (; words->text != NULL; words++) {
		if (strstr(text, words->text) != NULL)
			return words->name;
	}
	return NULL;
}

const char *browser_name(struct arena *arena, const char *user_agent)
{
	const char *browser = find(browsers, user_agent);
	const char *system = find(systems, user_agent);

	if (browser == NULL || system == NULL)
		return browser == NULL ? system : browser;
	return arena_printf(arena, "%s, %s", browser, system);
}
