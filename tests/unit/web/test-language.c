#include "language.h"

#include "arena.h"
#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NB "\302\240"
#define NNB "\342\200\257"
#define KB 1024ULL
#define MB (1024 * KB)
#define GB (1024 * MB)

static struct arena *arena;
static const struct language *english, *french;

static const char *value_of(const struct language *language,
			    struct language_value value)
{
	struct buffer out = BUFFER_INIT;
	const char *text;

	language_append_value(&out, language, &value);
	text = arena_strdup(arena, buffer_str(&out));
	buffer_free(&out);
	return text;
}

#define assert_both(macro, number, in_english, in_french) \
	do { \
		assert_string_equal(value_of(english, macro("", number)), \
				    in_english); \
		assert_string_equal(value_of(french, macro("", number)), \
				    in_french); \
	} while (0)

static void test_languages_are_found(void **state)
{
	(void)state;
	assert_string_equal(english->name, "English");
	assert_string_equal(french->code, "fr");
	assert_null(language_find(NULL));
	assert_null(language_find(""));
	assert_null(language_find("FR"));
	assert_null(language_find("fr-FR"));
}

static void test_numbers(void **state)
{
	(void)state;
	assert_both(LANGUAGE_NUMBER, 0, "0", "0");
	assert_both(LANGUAGE_NUMBER, 999, "999", "999");
	assert_both(LANGUAGE_NUMBER, 1204, "1,204", "1" NNB "204");
	assert_both(LANGUAGE_NUMBER, UINT64_MAX, "18,446,744,073,709,551,615",
		    "18" NNB "446" NNB "744" NNB "073" NNB "709" NNB "551" NNB
		    "615");
}

static void test_sizes(void **state)
{
	(void)state;
	assert_both(LANGUAGE_SIZE, 0, "0" NB "B", "0" NB "o");
	assert_both(LANGUAGE_SIZE, 1000, "1,000" NB "B", "1" NNB "000" NB "o");
	assert_both(LANGUAGE_SIZE, 1023, "1,023" NB "B", "1" NNB "023" NB "o");
	assert_both(LANGUAGE_SIZE, KB, "1" NB "kB", "1" NB "ko");
	assert_both(LANGUAGE_SIZE, 1536, "1.5" NB "kB", "1,5" NB "ko");
	assert_both(LANGUAGE_SIZE, MB - 1, "1" NB "MB", "1" NB "Mo");
	assert_both(LANGUAGE_SIZE, 10 * MB - 1, "10" NB "MB", "10" NB "Mo");
	assert_both(LANGUAGE_SIZE, 3328599654, "3.1" NB "GB", "3,1" NB "Go");
	assert_both(LANGUAGE_SIZE, 5 * GB, "5" NB "GB", "5" NB "Go");
	assert_both(LANGUAGE_SIZE, 1023 * GB, "1,023" NB "GB",
		    "1" NNB "023" NB "Go");
	assert_both(LANGUAGE_SIZE, UINT64_MAX, "16,777,216" NB "TB",
		    "16" NNB "777" NNB "216" NB "To");
}

static void test_times(void **state)
{
	(void)state;
	assert_both(LANGUAGE_DATE, 1795526280, "24 November 2026",
		    "24 novembre 2026");
	assert_both(LANGUAGE_DATETIME, 1795526280, "24 November 2026, 14:18",
		    "24 novembre 2026 à 14" NB "h" NB "18");
	assert_both(LANGUAGE_TIME, 1795526280, "14:18", "14" NB "h" NB "18");
	/* The first, in summer time, in the morning. */
	assert_both(LANGUAGE_DATETIME, 1785557040, "1 August 2026, 06:04",
		    "1er août 2026 à 6" NB "h" NB "04");
	/* No year is as far: nothing, and no crash. */
	assert_both(LANGUAGE_DATE, UINT64_MAX / 2, "", "");
}

static void test_durations(void **state)
{
	(void)state;
	assert_both(LANGUAGE_DURATION, 0, "0 seconds", "0 seconde");
	assert_both(LANGUAGE_DURATION, 1, "1 second", "1 seconde");
	assert_both(LANGUAGE_DURATION, 59, "59 seconds", "59 secondes");
	assert_both(LANGUAGE_DURATION, 60, "1 minute", "1 minute");
	assert_both(LANGUAGE_DURATION, 90, "2 minutes", "2 minutes");
	assert_both(LANGUAGE_DURATION, 900, "15 minutes", "15 minutes");
	assert_both(LANGUAGE_DURATION, 3599, "1 hour", "1 heure");
	assert_both(LANGUAGE_DURATION, 172800, "48 hours", "48 heures");
	assert_both(LANGUAGE_DURATION, 604800, "7 days", "7 jours");
	assert_both(LANGUAGE_DURATION, UINT64_MAX, "213,503,982,334,601 days",
		    "213" NNB "503" NNB "982" NNB "334" NNB "601 jours");
}

static void assert_count(uint64_t count, const char *in_english,
			 const char *in_french)
{
	assert_string_equal(language_text(arena, english, MSG_domain_count,
					  LANGUAGE_NUMBER("count", count)),
			    in_english);
	assert_string_equal(language_text(arena, french, MSG_domain_count,
					  LANGUAGE_NUMBER("count", count)),
			    in_french);
}

static void test_plurals(void **state)
{
	(void)state;
	assert_count(0, "0 mailboxes", "0 boîte mail");
	assert_count(1, "1 mailbox", "1 boîte mail");
	assert_count(2, "2 mailboxes", "2 boîtes mail");
	assert_count(1000, "1,000 mailboxes", "1" NNB "000 boîtes mail");
}

static void test_messages(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_string_equal(language_text(arena, english, MSG_login_title),
			    "Log in");
	assert_string_equal(
		language_text(arena, english, MSG_notice_alias_renamed,
			      LANGUAGE_TEXT("new", "b@example.org"),
			      LANGUAGE_TEXT("address", "<a>@example.org")),
		"<a>@example.org is now b@example.org.");
	language_append(&out, french, MSG_failed_other);
	language_append(&out, french, MSG_wrong_name_short,
			LANGUAGE_NUMBER("min", 6));
	assert_string_equal(buffer_str(&out), "Le serveur de mail n’a pas pu "
			    "le faire.Le nom doit avoir au moins 6 caractères.");
	buffer_free(&out);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "Europe/Paris", 1);
	tzset();
	arena = arena_create();
	english = language_find("en");
	french = language_find("fr");
	return english == NULL || french == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages_are_found),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_plurals),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
