#include "web-test.h"

#include "http-request.h"
#include "metrics.h"
#include "routes.h"

static void test_every_path_finds_its_route(void **state)
{
	unsigned int i;

	(void)state;
	assert_true(routes_count <= METRICS_ROUTES_MAX);
	for (i = 0; i < routes_count; i++) {
		if (routes_find(routes[i].path) != &routes[i])
			fail_msg("%s is hidden by another", routes[i].path);
		assert_int_equal(routes[i].path[0], '/');
		assert_non_null(routes[i].handler);
		assert_true((routes[i].methods & ~(unsigned int)(
			HTTP_METHOD_GET | HTTP_METHOD_HEAD |
			HTTP_METHOD_POST)) == 0);
		/* HEAD goes with GET, a body with POST */
		assert_int_equal((routes[i].methods & HTTP_METHOD_GET) != 0,
				 (routes[i].methods & HTTP_METHOD_HEAD) != 0);
		assert_int_equal((routes[i].methods & HTTP_METHOD_POST) != 0,
				 routes[i].body_max > 0);
		assert_true(routes[i].body_max <= 64 * 1024);
	}
}

static void test_only_exact_paths(void **state)
{
	static const char *const unknown[] = {
		"", "//", "/.", "/..", "/index.html", "/static", "/statics/",
		"/ ", "/static\\", "/STATIC/", "./",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(unknown); i++) {
		if (routes_find(unknown[i]) != NULL)
			fail_msg("\"%s\" is found", unknown[i]);
	}
	assert_non_null(routes_find("/static/main.css"));
}

static void test_allow(void **state)
{
	struct route route = { .methods = HTTP_METHOD_GET | HTTP_METHOD_HEAD };

	(void)state;
	assert_string_equal(route_allow(&route), "GET, HEAD");
	route.methods |= HTTP_METHOD_POST;
	assert_string_equal(route_allow(&route), "GET, HEAD, POST");
	route.methods = HTTP_METHOD_POST;
	assert_string_equal(route_allow(&route), "POST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_path_finds_its_route),
		cmocka_unit_test(test_only_exact_paths),
		cmocka_unit_test(test_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
