#include "html.h"

#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char *text_of(const char *text)
{
	static struct buffer out;

	buffer_free(&out);
	html_text(&out, text);
	return buffer_str(&out);
}

static const char *url_of(const char *text)
{
	static struct buffer out;

	buffer_free(&out);
	html_url(&out, text);
	return buffer_str(&out);
}

static void test_text_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(text_of(NULL), "");
	assert_string_equal(text_of(""), "");
	assert_string_equal(text_of("anna@example.org"), "anna@example.org");
	assert_string_equal(text_of("<b a=\"1\" c='2'>&amp;"),
		"&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
	assert_string_equal(text_of("é ⋅ 😀"), "é ⋅ 😀");
	text_of(NULL);
}

static void test_control_characters_are_replaced(void **state)
{
	(void)state;
	assert_string_equal(text_of("a\tb\nc"), "a\tb\nc");
	assert_string_equal(text_of("a\001b\033[1mc\177"),
			    "a\357\277\275b\357\277\275[1mc\357\277\275");
	text_of(NULL);
}

static void test_urls_are_encoded(void **state)
{
	(void)state;
	assert_string_equal(url_of(NULL), "");
	assert_string_equal(url_of("aZ09-._~"), "aZ09-._~");
	assert_string_equal(url_of("a+b@example.org&x=1#y/%"),
			    "a%2Bb%40example.org%26x%3D1%23y%2F%25");
	assert_string_equal(url_of("javascript:\"é"),
			    "javascript%3A%22%C3%A9");
	url_of(NULL);
}

static const char *value_of(enum html_place place, struct language_value value)
{
	static struct buffer out;

	buffer_free(&out);
	if (value.type != LANGUAGE_VALUE_TEXT || value.text != NULL)
		html_value(&out, language_find("fr"), place, value);
	return buffer_str(&out);
}

static void test_times_are_elements_in_text(void **state)
{
	(void)state;
	assert_string_equal(
		value_of(HTML_IN_TEXT, LANGUAGE_DATE("", 1795526280)),
		"<time datetime=\"2026-11-24\">24 novembre 2026</time>");
	assert_string_equal(
		value_of(HTML_IN_TEXT, LANGUAGE_DATETIME("", 1795526280)),
		"<time datetime=\"2026-11-24T14:18+0100\">"
		"24 novembre 2026 à 14\302\240h\302\24018</time>");
	assert_string_equal(
		value_of(HTML_IN_ATTRIBUTE, LANGUAGE_TIME("", 1795526280)),
		"14\302\240h\302\24018");
	value_of(HTML_IN_TEXT, LANGUAGE_TEXT("", NULL));
}

static void test_addresses_may_break_before_the_at_sign(void **state)
{
	(void)state;
	assert_string_equal(
		value_of(HTML_IN_TEXT, LANGUAGE_ADDRESS("", "<a>@b@c")),
		"&lt;a&gt;<wbr>@b@c");
	assert_string_equal(
		value_of(HTML_IN_TEXT, LANGUAGE_ADDRESS("", "none")), "none");
	assert_string_equal(value_of(HTML_IN_ATTRIBUTE,
				     LANGUAGE_ADDRESS("", "<a>@b")),
			    "&lt;a&gt;@b");
	assert_string_equal(value_of(HTML_IN_TEXT, LANGUAGE_ADDRESS("", NULL)),
			    "");
	value_of(HTML_IN_TEXT, LANGUAGE_TEXT("", NULL));
}

static void test_values_of_messages_are_escaped(void **state)
{
	struct buffer out = BUFFER_INIT;
	const struct language *english = language_find("en");

	(void)state;
	html_message(&out, english, HTML_IN_TEXT, MSG_home_nothing_found,
		     LANGUAGE_TEXT("search", "<script>'\"&{search}"));
	assert_string_equal(buffer_str(&out), "Nothing matches "
		"“&lt;script&gt;&#39;&quot;&amp;{search}”.");
	buffer_free(&out);

	html_message(&out, english, HTML_IN_TEXT, MSG_window_done_html,
		     LANGUAGE_TEXT("address", "<b>@example.org"));
	assert_string_equal(buffer_str(&out), "<strong>&lt;b&gt;@example.org"
			    "</strong> is open with its new password.");
	buffer_free(&out);
}

static void test_a_value_that_is_missing_is_left_out(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	html_message(&out, language_find("en"), HTML_IN_ATTRIBUTE,
		     MSG_home_nothing_found);
	assert_string_equal(buffer_str(&out), "Nothing matches “”.");
	buffer_free(&out);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "Europe/Paris", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_escaped),
		cmocka_unit_test(test_control_characters_are_replaced),
		cmocka_unit_test(test_urls_are_encoded),
		cmocka_unit_test(test_times_are_elements_in_text),
		cmocka_unit_test(test_addresses_may_break_before_the_at_sign),
		cmocka_unit_test(test_values_of_messages_are_escaped),
		cmocka_unit_test(test_a_value_that_is_missing_is_left_out),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
