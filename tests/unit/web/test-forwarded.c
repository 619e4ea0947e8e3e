#include "web-test.h"

#include "http-forwarded.h"
#include "network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *normal;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "::ffff:127.0.0.1", "127.0.0.1" },
		{ "::FFFF:7f00:1", "127.0.0.1" },
		{ "2001:DB8:0:0::1", "2001:db8::1" },
		{ "::1", "::1" },
		{ "unix", "unix" },
		{ "", NULL }, { "localhost", NULL }, { "1.2.3", NULL },
		{ "1.2.3.4 ", NULL }, { "01.2.3.4", NULL },
		{ "1.2.3.4:80", NULL }, { "[::1]", NULL },
		{ "fe80::1%eth0", NULL }, { "256.1.1.1", NULL },
	};
	struct network_address address;
	char text[NETWORK_ADDRESS_TEXT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(cases); i++) {
		if (network_address_parse(cases[i].text, &address) !=
		    (cases[i].normal != NULL))
			fail_msg("\"%s\"", cases[i].text);
		if (cases[i].normal == NULL)
			continue;
		network_address_text(&address, text);
		assert_string_equal(text, cases[i].normal);
	}
}

static void test_peers(void **state)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct network_address address;
	char text[NETWORK_ADDRESS_TEXT_SIZE];

	(void)state;
	ipv4.sin_addr.s_addr = htonl(0xc0000201);
	network_address_from_sockaddr((struct sockaddr *)&ipv4, &address);
	network_address_text(&address, text);
	assert_string_equal(text, "192.0.2.1");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1",
				   &ipv6.sin6_addr), 1);
	network_address_from_sockaddr((struct sockaddr *)&ipv6, &address);
	network_address_text(&address, text);
	assert_string_equal(text, "192.0.2.1");
	network_address_from_sockaddr((struct sockaddr *)&un, &address);
	network_address_text(&address, text);
	assert_string_equal(text, "unix");
}

static void test_networks(void **state)
{
	static const char *const right[] = {
		"10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "0.0.0.0/0", "::/0",
		"2001:db8::/32", "2001:db8::1/128", "unix", "::ffff:0:0/96",
	}, *const wrong[] = {
		"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "::/129",
		"2001:db8::1/64", "unix/1", "10.0.0.0/-1", "10.0.0.0/8 ",
		"10.0.0.0/0008", "example.org",
		"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:aaaa:bbbb:cccc",
	};
	static const struct {
		const char *network, *address;
		bool inside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/9", "10.127.255.255", true },
		{ "10.0.0.0/9", "10.128.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "0.0.0.0/0", "unix", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "unix", "unix", true },
		{ "unix", "127.0.0.1", false },
		{ "::/0", "unix", false },
	};
	struct network network;
	struct network_address address;
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(right); i++) {
		if (!network_parse(right[i], &network))
			fail_msg("\"%s\"", right[i]);
	}
	for (i = 0; i < N_ELEMENTS(wrong); i++) {
		if (network_parse(wrong[i], &network))
			fail_msg("\"%s\"", wrong[i]);
	}
	for (i = 0; i < N_ELEMENTS(cases); i++) {
		assert_true(network_parse(cases[i].network, &network));
		assert_true(network_address_parse(cases[i].address, &address));
		if (network_list_contains(&network, 1, &address) !=
		    cases[i].inside)
			fail_msg("case %zu", i);
	}
}

static const struct forwarded_case {
	const char *peer, *list, *proto;
	const char *client;
	bool secure;
} forwarded_cases[] = {
	/* from a peer we do not believe */
	{ "192.0.2.9", "198.51.100.1", "https", "192.0.2.9", false },
	{ "unix", "198.51.100.1", "https", "unix", false },
	/* from a proxy */
	{ "127.0.0.1", NULL, NULL, "127.0.0.1", false },
	{ "127.0.0.1", "198.51.100.1", "https", "198.51.100.1", true },
	{ "127.0.0.1", "198.51.100.1", "HTTPS", "198.51.100.1", true },
	{ "127.0.0.1", "198.51.100.1", "http", "198.51.100.1", false },
	{ "127.0.0.1", "198.51.100.1", "https, http", "198.51.100.1", false },
	/* what the client has put in front is not believed */
	{ "127.0.0.1", "1.1.1.1, 198.51.100.1", NULL, "198.51.100.1", false },
	{ "127.0.0.1", "nonsense, 198.51.100.1", NULL, "198.51.100.1", false },
	{ "127.0.0.1", "1.1.1.1,198.51.100.1,10.1.1.1", NULL,
	  "198.51.100.1", false },
	{ "127.0.0.1", "10.9.9.9, 10.1.1.1", NULL, "10.9.9.9", false },
	{ "127.0.0.1", "\t2001:DB8::1\t", NULL, "2001:db8::1", false },
	{ "127.0.0.1", "::ffff:198.51.100.1", NULL, "198.51.100.1", false },
	/* malformed */
	{ "127.0.0.1", "", NULL, "127.0.0.1", false },
	{ "127.0.0.1", ",", NULL, "127.0.0.1", false },
	{ "127.0.0.1", "198.51.100.1,", NULL, "127.0.0.1", false },
	{ "127.0.0.1", "198.51.100.1, ,10.1.1.1", NULL, "127.0.0.1", false },
	{ "127.0.0.1", "198.51.100.1:443", NULL, "127.0.0.1", false },
	{ "127.0.0.1", "unix", NULL, "127.0.0.1", false },
	{ "127.0.0.1", "198.51.100.1 10.1.1.1", NULL, "127.0.0.1", false },
	{ "127.0.0.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  NULL, "127.0.0.1", false },
};

static void check_forwarded(const struct forwarded_case *c)
{
	struct network trusted[2];
	struct network_address peer;
	struct http_forwarded found;
	char text[NETWORK_ADDRESS_TEXT_SIZE];

	assert_true(network_parse("127.0.0.0/8", &trusted[0]));
	assert_true(network_parse("10.0.0.0/8", &trusted[1]));
	assert_true(network_address_parse(c->peer, &peer));
	http_forwarded(&peer, c->list, c->proto, trusted, 2, &found);
	network_address_text(&found.address, text);
	if (strcmp(text, c->client) != 0 || found.secure != c->secure)
		fail_msg("\"%s\": %s %d", c->list == NULL ? "" : c->list,
			 text, found.secure);
}

static void test_forwarded(void **state)
{
	struct forwarded_case c = { "127.0.0.1", NULL, NULL, "127.0.0.1",
				    false };
	char list[3000];
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(forwarded_cases); i++)
		check_forwarded(&forwarded_cases[i]);
	/* too long, though its end is fine */
	memset(list, '1', sizeof(list));
	memcpy(list + sizeof(list) - 10, ", 1.2.3.4", 10);
	c.list = list;
	check_forwarded(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_forwarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
