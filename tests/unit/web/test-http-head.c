/* What stands in front of a body: the URI, cookies, encodings, origins. */

#include "web-test.h"

#include "http-cookie.h"
#include "http-encoding.h"
#include "http-origin.h"
#include "http-request.h"
#include "http-uri.h"

static const struct uri_case {
	const char *uri;
	int ret;
	const char *path;
	size_t query_count;
} uri_cases[] = {
	{ "/", 1, "/", 0 },
	{ "/home", 1, "/home", 0 },
	{ "/a%20b", 1, "/a b", 0 },
	{ "/a+b", 1, "/a+b", 0 },
	{ "/?", 1, "/", 0 },
	{ "/?a=1&b=2", 1, "/", 2 },
	{ "/x?a=/../", 1, "/x", 1 },
	{ "//evil", 1, "//evil", 0 },
	{ "/a/../b", 1, "/a/../b", 0 },
	{ "/%2e%2e", 1, "/..", 0 },
	{ "/caf%C3%A9", 1, "/caf\xc3\xa9", 0 },
	{ "", -1, NULL, 0 },
	{ "*", -1, NULL, 0 },
	{ "http://evil/", -1, NULL, 0 },
	{ "home", -1, NULL, 0 },
	{ "?a=1", -1, NULL, 0 },
	{ "/%00", -1, NULL, 0 },
	{ "/admin%00x", -1, NULL, 0 },
	{ "/?a=%00", -1, NULL, 0 },
	{ "/%0a", -1, NULL, 0 },
	{ "/%zz", -1, NULL, 0 },
	{ "/%", -1, NULL, 0 },
	{ "/%FF", -1, NULL, 0 },
	{ "/caf\xc3\xa9", -1, NULL, 0 },
	{ "/a b", -1, NULL, 0 },
	{ "/a#b", -1, NULL, 0 },
	{ "/<b>", -1, NULL, 0 },
	{ "/?a=1&a=2", -1, NULL, 0 },
};

static void test_uri(void **state)
{
	const struct uri_case *c;
	struct http_pairs query;
	const char *path;
	size_t i;
	int ret;

	for (i = 0; i < N_ELEMENTS(uri_cases); i++) {
		c = &uri_cases[i];
		path = NULL;
		query.count = 0;
		ret = http_uri_parse(*state, c->uri, &path, &query);
		if (ret != c->ret)
			fail_msg("\"%s\": returned %d", c->uri, ret);
		assert_int_equal(query.count, c->query_count);
		if (c->path == NULL)
			assert_null(path);
		else
			assert_string_equal(path, c->path);
	}
}

static void test_uri_limits(void **state)
{
	char uri[5000];
	struct http_pairs query;
	const char *path;

	memset(uri, 'a', sizeof(uri));
	uri[0] = '/';
	uri[4096] = '\0';
	assert_int_equal(http_uri_parse(*state, uri, &path, &query), 1);
	uri[4096] = 'a';
	uri[4097] = '\0';
	assert_int_equal(http_uri_parse(*state, uri, &path, &query), 0);
}

static const struct cookie_case {
	const char *header;
	int ret;
	const char *value;
} cookie_cases[] = {
	{ "s=1", 1, "1" },
	{ "s=", 1, "" },
	{ " s=1 ", 1, "1" },
	{ "a=2; s=1; b=3", 1, "1" },
	{ "a=2;s=1", 1, "1" },
	{ "s=a=b", 1, "a=b" },
	{ "xs=1; s=2", 1, "2" },
	{ "s=1;", 1, "1" },
	{ "; ;s=1", 1, "1" },
	{ "", 0, NULL },
	{ ";", 0, NULL },
	{ "s", 0, NULL },
	{ "xs=1", 0, NULL },
	{ "S=1", 0, NULL },
	{ "a=s=1", 0, NULL },
	{ "s =1", 0, NULL },
	{ "s=\"1\"", 0, NULL },
	{ "s=a b", 0, NULL },
	{ "s=a,b", 0, NULL },
	{ "s=\xc3\xa9", 0, NULL },
	{ "s=1; s=2", -1, NULL },
	{ "s=1; s=1", -1, NULL },
	{ "s=1; a=2; s=", -1, NULL },
};

static void test_cookies(void **state)
{
	struct http_request request = { .arena = *state };
	const struct cookie_case *c;
	const char *value;
	size_t i;
	int ret;

	assert_int_equal(http_request_cookie(&request, "s", &value), 0);
	for (i = 0; i < N_ELEMENTS(cookie_cases); i++) {
		c = &cookie_cases[i];
		request.cookie_header = c->header;
		ret = http_request_cookie(&request, "s", &value);
		if (ret != c->ret)
			fail_msg("\"%s\": returned %d", c->header, ret);
		if (ret == 1)
			assert_string_equal(value, c->value);
	}
}

static void test_encodings(void **state)
{
	static const char *const with[] = {
		"gzip", "GZIP", "deflate, gzip", "gzip;q=0.5", "br,gzip ;q=1",
		"gzip; q=0.001", ",, gzip",
	}, *const without[] = {
		NULL, "", "br", "identity", "gzipped", "x-gzip", "gzip;q=0",
		"gzip;q=0.000", "gzip ; Q=0", "br;q=1;gzip",
	};
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(with); i++)
		assert_true(http_encodings_have_gzip(with[i]));
	for (i = 0; i < N_ELEMENTS(without); i++)
		assert_false(http_encodings_have_gzip(without[i]));
}

static void test_origins(void **state)
{
	static const char base[] = "https://mail.example.org";
	static const struct {
		const char *site, *origin;
		bool ours;
	} cases[] = {
		{ NULL, NULL, true },
		{ "same-origin", NULL, true },
		{ "none", NULL, true },
		{ "same-origin", base, true },
		{ NULL, base, true },
		{ NULL, "https://Mail.example.org", true },
		{ "same-site", NULL, false },
		{ "cross-site", NULL, false },
		{ "cross-site", base, false },
		{ "", base, false },
		{ "same-origin", "https://evil.example", false },
		{ NULL, "null", false },
		{ NULL, "http://mail.example.org", false },
		{ NULL, "https://mail.example.org:8443", false },
		{ NULL, "https://mail.example.org.evil.example", false },
		{ NULL, "", false },
	};
	struct http_request request = { .arena = *state };
	size_t i;

	for (i = 0; i < N_ELEMENTS(cases); i++) {
		request.sec_fetch_site = cases[i].site;
		request.origin = cases[i].origin;
		if (http_origin_is_ours(&request, base) != cases[i].ours)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(test_uri),
		arena_test(test_uri_limits),
		arena_test(test_cookies),
		cmocka_unit_test(test_encodings),
		arena_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
