#include "web-test.h"

#include "http-form.h"
#include "http-request.h"

static const struct form_case {
	const char *data;
	int ret;
	/* name, value, ... of what is found */
	const char *pairs[8];
} form_cases[] = {
	{ "", 1, { NULL } },
	{ "a=b", 1, { "a", "b" } },
	{ "a=b&c=d", 1, { "a", "b", "c", "d" } },
	{ "a", 1, { "a", "" } },
	{ "a=", 1, { "a", "" } },
	{ "a=b=c", 1, { "a", "b=c" } },
	{ "&&a=b&&", 1, { "a", "b" } },
	{ "a=b+c%20d%2Be%2be", 1, { "a", "b c d+e+e" } },
	{ "%61=%62", 1, { "a", "b" } },
	{ "a=caf%C3%A9%F0%9F%98%80", 1, { "a", "caf\xc3\xa9\xf0\x9f\x98\x80" } },
	{ "a=caf\xc3\xa9", 1, { "a", "caf\xc3\xa9" } },
	{ "a=b%0D%0Ac%0Ad%09e", 1, { "a", "b\nc\nd\te" } },
	{ "a=%26%3D", 1, { "a", "&=" } },
	/* malformed */
	{ "=b", -1, { NULL } },
	{ "a=1&a=2", -1, { NULL } },
	{ "a=1&%61=2", -1, { NULL } },
	{ "a=%", -1, { NULL } },
	{ "a=%4", -1, { NULL } },
	{ "a=%4g", -1, { NULL } },
	{ "a=%4&b=1", -1, { NULL } },
	{ "a=%00", -1, { NULL } },
	{ "a%00=1", -1, { NULL } },
	{ "a%0A=1", -1, { NULL } },
	{ "a=b%0Dc", -1, { NULL } },
	{ "a=%1B", -1, { NULL } },
	{ "a=%7F", -1, { NULL } },
	{ "a=%C2%85", -1, { NULL } },
	/* not UTF-8 */
	{ "a=%FF", -1, { NULL } },
	{ "a=%C3", -1, { NULL } },
	{ "a=%C0%80", -1, { NULL } },
	{ "a=%E0%80%80", -1, { NULL } },
	{ "a=%ED%A0%80", -1, { NULL } },
	{ "a=%F4%90%80%80", -1, { NULL } },
	{ "a=%F0%8F%BF%BF", -1, { NULL } },
};

static void test_form(void **state)
{
	const struct form_case *c;
	struct http_pairs pairs;
	size_t i, j;
	int ret;

	for (i = 0; i < N_ELEMENTS(form_cases); i++) {
		c = &form_cases[i];
		ret = http_form_parse(*state, c->data, strlen(c->data),
				      &http_form_body_limits, &pairs);
		if (ret != c->ret)
			fail_msg("\"%s\": returned %d", c->data, ret);
		if (ret != 1)
			continue;
		for (j = 0; c->pairs[2 * j] != NULL; j++) {
			assert_true(j < pairs.count);
			assert_string_equal(pairs.pairs[j].name,
					    c->pairs[2 * j]);
			assert_string_equal(pairs.pairs[j].value,
					    c->pairs[2 * j + 1]);
		}
		assert_int_equal(pairs.count, j);
	}
}

static void test_form_with_nul(void **state)
{
	struct http_pairs pairs;

	assert_int_equal(http_form_parse(*state, "a=b\0c", 5,
					 &http_form_body_limits, &pairs), -1);
	assert_int_equal(http_form_parse(*state, "a\0=b", 4,
					 &http_form_body_limits, &pairs), -1);
}

static void test_form_limits(void **state)
{
	static const struct http_form_limits limits = {
		.pairs = 3, .name_size = 4, .value_size = 5
	};
	static const struct {
		const char *data;
		int ret;
	} cases[] = {
		{ "a=1&b=2&c=3", 1 }, { "a=1&b=2&c=3&d=4", 0 },
		{ "a=1&b=2&c=3&", 1 },
		{ "abcd=1", 1 }, { "abcde=1", 0 },
		{ "a=12345", 1 }, { "a=123456", 0 },
		{ "a=%31%32%33%34%35", 1 }, { "a=%31%32%33%34%35%36", 0 },
		{ "a=%31%32%33%34%356", 0 },
	};
	struct http_pairs pairs;
	size_t i;

	for (i = 0; i < N_ELEMENTS(cases); i++) {
		if (http_form_parse(*state, cases[i].data,
				    strlen(cases[i].data), &limits,
				    &pairs) != cases[i].ret)
			fail_msg("\"%s\"", cases[i].data);
	}
}

static void test_fields_are_found(void **state)
{
	struct http_request request = { .arena = *state };

	assert_int_equal(http_form_parse(*state, "a=1&b=2", 7,
					 &http_form_body_limits,
					 &request.form), 1);
	assert_int_equal(http_form_parse(*state, "c=3", 3,
					 &http_form_query_limits,
					 &request.query), 1);
	assert_string_equal(http_request_field(&request, "b"), "2");
	assert_null(http_request_field(&request, "c"));
	assert_string_equal(http_request_query(&request, "c"), "3");
	assert_null(http_request_query(&request, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(test_form),
		arena_test(test_form_with_nul),
		arena_test(test_form_limits),
		arena_test(test_fields_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
