#include "language.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *accepted(const char *header)
{
	const struct language *language = language_from_accept(header);

	return language == NULL ? "" : language->code;
}

static void test_the_heaviest_wins(void **state)
{
	(void)state;
	assert_string_equal(accepted("fr"), "fr");
	assert_string_equal(accepted("FR-ca"), "fr");
	assert_string_equal(accepted("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5"),
			    "fr");
	assert_string_equal(accepted("en;q=0.8,fr;q=0.9"), "fr");
	assert_string_equal(accepted("de, en;q=0.1"), "en");
	assert_string_equal(accepted("fr;q=0.001,en;q=0.002"), "en");
	/* The first of two alike. */
	assert_string_equal(accepted("fr,en"), "fr");
	assert_string_equal(accepted("en;q=0.5, fr;q=0.5"), "en");
}

static void test_any_language_is_the_first(void **state)
{
	(void)state;
	assert_string_equal(accepted("*"), "en");
	assert_string_equal(accepted("de, *;q=0.1"), "en");
}

static void test_none(void **state)
{
	(void)state;
	assert_string_equal(accepted(NULL), "");
	assert_string_equal(accepted(""), "");
	assert_string_equal(accepted("de, es;q=0.5"), "");
	assert_string_equal(accepted("fr;q=0, en;q=0.000"), "");
	assert_string_equal(accepted("frx, e, eng"), "");
}

static void test_malformed_ones_are_passed_over(void **state)
{
	(void)state;
	assert_string_equal(accepted("fr;q=2, en;q=0.1"), "en");
	assert_string_equal(accepted("fr;q=1.001, en;q=0.1"), "en");
	assert_string_equal(accepted("fr;q=, en;q=0.1"), "en");
	assert_string_equal(accepted("fr;x=1, en;q=0.1"), "en");
	assert_string_equal(accepted("fr q=1, en;q=0.1"), "en");
	assert_string_equal(accepted("fr;q=0.5x,en;q=0.1"), "en");
	assert_string_equal(accepted(",, ,en ; q=0.5 ,;;,"), "en");
	assert_string_equal(accepted("\001\377, fr\t;\tQ=1.000"), "fr");
	assert_string_equal(accepted("fr;q=0.99999999999999999999"), "fr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_heaviest_wins),
		cmocka_unit_test(test_any_language_is_the_first),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_malformed_ones_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
