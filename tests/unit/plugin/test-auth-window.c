#include "lib.h"
#include "settings.h"
#include "test-common.h"
#include "pymailadmin-settings.h"
#include "auth-window.h"

#include <stdlib.h>
#include <time.h>

#define WINDOW 900
/* 2026-11-23 13:20:00 UTC */
#define NOW 1795440000

static void set_zone(const char *zone)
{
	if (setenv("TZ", zone, 1) < 0)
		i_fatal("setenv(TZ) failed: %m");
	tzset();
}

static void test_auth_window_check(void)
{
	static const struct {
		const char *state, *created, *now;
		int ret;
		time_t opens;
		const char *kind;
	} tests[] = {
		{ "pending", "1000", "1000", 1, NOW + 900, NULL },
		{ "pending", "1000", "1899", 1, NOW + 1, NULL },
		{ "pending", "1000", "1900", 0, 0, NULL },
		{ "claimed", "1000", "1200", 1, NOW + 700, NULL },
		{ "rekeying", "1000", "1200", 1, NOW + 700, NULL },
		{ "rekeying", "1000", "1900", 0, 0, NULL },
		/* only the end of the switch opens it */
		{ "switching", "1000", "1200", 1, 0, NULL },
		{ "switching", "1000", "999999", 1, 0, NULL },
		{ "switched", "1000", "999999", 1, 0, NULL },
		{ "done", "1000", "1000", 0, 0, NULL },
		{ "failed", "1000", "1000", 0, 0, NULL },
		{ "expired", "1000", "1000", 0, 0, NULL },
		{ "canceled", "1000", "1000", 0, 0, NULL },
		/* a clock that was set back or a row from before any */
		{ "pending", "1050", "1000", 1, NOW + 900, NULL },
		{ "pending", "5000", "1000", 0, 0, NULL },
		{ "pending", "9223372036854775807", "1000", 0, 0, NULL },
		{ "pending", "-30000000000", "1000", 0, 0, NULL },
		{ "pending", "0", "-1", 1, NOW + 900, NULL },
		/* what this version does not know, it lets nobody by */
		{ "resting", "1000", "1000", -1, 0, NULL },
		{ "", "1000", "1000", -1, 0, NULL },
		{ NULL, "1000", "1000", -1, 0, NULL },
		{ "pending", NULL, "1000", -1, 0, NULL },
		{ "pending", "", "1000", -1, 0, NULL },
		{ "pending", "1000", NULL, -1, 0, NULL },
		{ "pending", "1000", "1000.5", -1, 0, NULL },
		{ "pending", "99999999999999999999", "1000", -1, 0, NULL },
		{ "pending", "1000", "1000", -1, 0, "rest" },
		{ "pending", "1000", "1000", -1, 0, "" },
		/* a deletion: open until it begins, and never again */
		{ "pending", "1000", "1000", 0, 0, "delete" },
		{ "pending", "1000", "999999", 0, 0, "delete" },
		{ "claimed", "1000", "1000", 0, 0, "delete" },
		{ "switching", "1000", "1000", 1, 0, "delete" },
		{ "switched", "1000", "999999", 1, 0, "delete" },
		{ "rekeying", "1000", "999999", 1, 0, "delete" },
		{ "done", "1000", "1000", 0, 0, "delete" },
		{ "failed", "1000", "1000", 0, 0, "delete" },
		{ "canceled", "1000", "1000", 0, 0, "delete" },
		/* an administrator's: until the time of the row */
		{ "pending", "1000", "1000", 1, NOW + 300, "close" },
		{ "pending", "1000", "1299", 1, NOW + 1, "close" },
		{ "pending", "1000", "1300", 0, 0, "close" },
		{ "done", "1000", "1000", 0, 0, "close" },
		{ "canceled", "1000", "1000", 0, 0, "close" },
		{ "pending", NULL, "1000", -1, 0, "close" },
	};
	bool deleted;
	const char *error;
	unsigned int i;
	time_t opens;
	int ret;

	test_begin("auth window: check");
	for (i = 0; i < N_ELEMENTS(tests); i++) {
		const struct auth_window_row row = {
			.request_id = "id",
			.kind = tests[i].kind == NULL ? "password" :
				tests[i].kind,
			.state = tests[i].state,
			.created = tests[i].created,
			.now = tests[i].now,
			.until = "1300",
		};
		opens = 0;
		error = NULL;
		ret = auth_window_check(&row, WINDOW, NOW, &opens, &deleted,
					&error);
		test_assert_idx(ret == tests[i].ret, i);
		test_assert_idx(opens == tests[i].opens, i);
		test_assert_idx(deleted == (ret > 0 && strcmp(row.kind,
							"delete") == 0), i);
		test_assert_idx((error != NULL) == (ret < 0), i);
	}
	test_end();
}

static void test_auth_window_opens_text(void)
{
	static const struct {
		time_t opens;
		const char *utc, *east;
	} tests[] = {
		{ NOW, "13:20 UTC", "22:20 JST" },
		/* never earlier than it is */
		{ NOW + 1, "13:21 UTC", "22:21 JST" },
		{ NOW + 59, "13:21 UTC", "22:21 JST" },
		{ NOW + 60, "13:21 UTC", "22:21 JST" },
		{ NOW + 61, "13:22 UTC", "22:22 JST" },
		{ NOW + 99*60, "14:59 UTC", "23:59 JST" },
		{ NOW + 99*60 + 1, "15:00 UTC", "2026-11-24 00:00 JST" },
		{ NOW + 24*3600, "2026-11-24 13:20 UTC",
		  "2026-11-24 22:20 JST" },
		{ NOW + 365*24*3600, "2027-11-23 13:20 UTC",
		  "2027-11-23 22:20 JST" },
		{ 0, "", "" },
	};
	unsigned int i;

	test_begin("auth window: opens text");
	for (i = 0; i < N_ELEMENTS(tests); i++) {
		set_zone("UTC0");
		test_assert_strcmp_idx(
			auth_window_opens_text(tests[i].opens, NOW),
			tests[i].utc, i);
		set_zone("JST-9");
		test_assert_strcmp_idx(
			auth_window_opens_text(tests[i].opens, NOW),
			tests[i].east, i);
	}
	test_end();
}

static void test_auth_window_expand(void)
{
	const struct pymailadmin_settings *set;
	struct settings_simple simple;
	const char *text, *error;

	test_begin("auth window: expand");
	test_assert(auth_window_expand("by %{opens}!", "14:05 CET",
				       &text, &error) == 0);
	test_assert_strcmp(text, "by 14:05 CET!");
	test_assert(auth_window_expand("\xc3\xa0 %{opens}", "14:05",
				       &text, &error) == 0);
	test_assert_strcmp(text, "\xc3\xa0 14:05");
	test_assert(auth_window_expand("%{opened}", "14:05",
				       &text, &error) < 0);
	test_assert(auth_window_expand("%{opens", "14:05",
				       &text, &error) < 0);
	/* nothing but the time is to be had */
	test_assert(auth_window_expand("%{password}", "14:05",
				       &text, &error) < 0);

	settings_simple_init(&simple, NULL);
	if (settings_get(simple.event, &pymailadmin_setting_parser_info, 0,
			 &set, &error) < 0)
		i_fatal("settings_get() failed: %s", error);
	test_assert(auth_window_expand(set->pymailadmin_window_text,
				       "14:05 CET", &text, &error) == 0);
	test_assert_strcmp(text, "Your mailbox is closed while its password is "
			   "being changed. It opens again by 14:05 CET.");
	test_assert(auth_window_expand(set->pymailadmin_window_text, "",
				       &text, &error) == 0);
	test_assert_strcmp(text, "Your mailbox is closed while its password is "
			   "being changed. It opens again by the end of the "
			   "change.");
	settings_free(set);
	settings_simple_deinit(&simple);
	test_end();
}

static void test_auth_window_reason(void)
{
	static const struct {
		const char *protocol, *text, *reason;
		bool code;
	} tests[] = {
		{ "imap", "Back soon", "[UNAVAILABLE] Back soon", TRUE },
		{ "pop3", "Back soon", "[SYS/TEMP] Back soon", TRUE },
		{ "submission", "Back soon", "Back soon", FALSE },
		{ "smtp", "Back soon", "Back soon", FALSE },
		{ "imap-urlauth", "Back soon", "Back soon", FALSE },
		{ "IMAP", "Back soon", "Back soon", FALSE },
		{ "", "Back soon", "Back soon", FALSE },
		{ "imap", "", "[UNAVAILABLE] ", TRUE },
		{ "imap", "a\r\nb OK Logged in\t\001\x7f.",
		  "[UNAVAILABLE] a  b OK Logged in   .", TRUE },
		{ "smtp", "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9", FALSE },
	};
	unsigned int i;

	test_begin("auth window: reason");
	for (i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_strcmp_idx(auth_window_reason(tests[i].protocol,
							  tests[i].text),
				       tests[i].reason, i);
		test_assert_idx(
			auth_window_reason_has_code(tests[i].protocol) ==
			tests[i].code, i);
	}
	test_end();
}

static void test_auth_window_open_note(void)
{
	const char *note;

	test_begin("auth window: open note");
	note = auth_window_open_note("a b@example.test", NOW);
	test_assert(auth_window_open_note_holds(note, "a b@example.test", NOW));
	test_assert(auth_window_open_note_holds(note, "a b@example.test",
						NOW + 5));
	test_assert(!auth_window_open_note_holds(note, "a b@example.test",
						 NOW + 6));
	test_assert(!auth_window_open_note_holds(note, "a b@example.test",
						 NOW - 1));
	test_assert(!auth_window_open_note_holds(note, "a b@example.tes", NOW));
	test_assert(!auth_window_open_note_holds(note, "A b@example.test",
						 NOW));
	test_assert(!auth_window_open_note_holds(note, "", NOW));
	test_assert(!auth_window_open_note_holds("", "a b@example.test", NOW));
	test_assert(!auth_window_open_note_holds("yes", "yes", NOW));
	test_assert(!auth_window_open_note_holds(
		t_strdup_printf("%dyes", NOW), "yes", NOW));
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_auth_window_check,
		test_auth_window_opens_text,
		test_auth_window_expand,
		test_auth_window_reason,
		test_auth_window_open_note,
		NULL
	};
	return test_run(test_functions);
}
