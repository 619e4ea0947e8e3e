#include "web-test.h"

#include "names.h"
#include "quota.h"

static const struct name_rules rules = {
	.min = 6, .max = 20, .delimiters = "+",
	.reserved = name_reserved_default,
};

static const struct {
	const char *name;
	enum name_fault fault, as_super_admin;
} names[] = {
	{ "alice-smith", NAME_OK, NAME_OK },
	{ "a_1-b2", NAME_OK, NAME_OK },
	{ "123456", NAME_OK, NAME_OK },
	{ "", NAME_EMPTY, NAME_EMPTY },
	{ "alice", NAME_TOO_SHORT, NAME_OK },
	{ "abcdefghijklmnopqrst", NAME_OK, NAME_OK },
	{ "abcdefghijklmnopqrstu", NAME_TOO_LONG, NAME_TOO_LONG },
	{ "Alice-Smith", NAME_CHARACTER, NAME_CHARACTER },
	{ "alice.smith", NAME_CHARACTER, NAME_CHARACTER },
	{ "alice smith", NAME_CHARACTER, NAME_CHARACTER },
	{ "alice@smith", NAME_CHARACTER, NAME_CHARACTER },
	{ "<b>alice</b>", NAME_CHARACTER, NAME_CHARACTER },
	{ "alic\xc3\xa9s", NAME_CHARACTER, NAME_CHARACTER },
	{ "alice\n", NAME_CHARACTER, NAME_CHARACTER },
	{ "alice,x", NAME_CHARACTER, NAME_CHARACTER },
	{ "alice+list", NAME_DELIMITER, NAME_DELIMITER },
	{ "-alice", NAME_EDGE, NAME_EDGE },
	{ "alice_", NAME_EDGE, NAME_EDGE },
	{ "postmaster", NAME_RESERVED, NAME_OK },
	{ "abuse", NAME_RESERVED, NAME_OK },
	{ "admin", NAME_RESERVED, NAME_OK },
	{ "mailer-daemon", NAME_RESERVED, NAME_OK },
};

static void test_names(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(names); i++) {
		assert_int_equal(name_check(&rules, names[i].name, false),
				 names[i].fault);
		assert_int_equal(name_check(&rules, names[i].name, true),
				 names[i].as_super_admin);
	}
}

static void test_delimiter_of_another_kind(void **state)
{
	const struct name_rules hyphen = { .min = 1, .max = 64,
					   .delimiters = "-" };
	const struct name_rules none = { .min = 1, .max = 64 };

	(void)state;
	assert_int_equal(name_check(&hyphen, "alice-list", false),
			 NAME_DELIMITER);
	assert_int_equal(name_check(&none, "alice-list", false), NAME_OK);
	assert_int_equal(name_check(&none, "admin", false), NAME_OK);
}

static void test_normalize(void **state)
{
	char name[8];

	(void)state;
	assert_true(name_normalize("AliCE-9", name, sizeof(name)));
	assert_string_equal(name, "alice-9");
	assert_false(name_normalize("12345678", name, sizeof(name)));
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"", "@", "a", "@b", "a@", "a b@c", "a@b\n", "a\x7f@b",
	};
	char local[NAME_LOCAL_MAX + 1], address[NAME_ADDRESS_MAX + 1];
	char longest[NAME_ADDRESS_MAX + 2];
	const char *domain;
	unsigned int i;

	(void)state;
	assert_true(address_split("a@b@example.test", local, &domain));
	assert_string_equal(local, "a@b");
	assert_string_equal(domain, "example.test");
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(address_split(bad[i], local, &domain));

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	longest[NAME_LOCAL_MAX + 1] = '@';
	assert_false(address_split(longest, local, &domain));
	longest[NAME_LOCAL_MAX] = '@';
	longest[NAME_LOCAL_MAX + 1] = 'x';
	longest[NAME_ADDRESS_MAX] = '\0';
	assert_true(address_split(longest, local, &domain));
	longest[NAME_ADDRESS_MAX] = 'x';
	assert_false(address_split(longest, local, &domain));

	assert_true(address_join("alice", "example.test", address));
	assert_string_equal(address, "alice@example.test");
	assert_false(address_join("alice", longest, address));
}

static void test_emails(void **state)
{
	(void)state;
	assert_true(address_is_email("alice.smith+x@mail.example.test"));
	assert_false(address_is_email("alice@localhost"));
	assert_false(address_is_email("a@b@example.test"));
	assert_false(address_is_email("\"a\"@example.test"));
	assert_false(address_is_email("a@example.test, b@example.test"));
	assert_false(address_is_email("A <a@example.test>"));
	assert_false(address_is_email(""));
}

static const struct {
	const char *text;
	uint64_t bytes;
	const char *human;
} quotas[] = {
	{ "0", 0, "0" },
	{ "1", 1, "1" },
	{ "1023", 1023, "1023" },
	{ "1024", 1024, "1k" },
	{ "1k", 1024, "1k" },
	{ "1 KiB", 1024, "1k" },
	{ "1500M", 1572864000, "1500M" },
	{ "5G", 5368709120, "5G" },
	{ "5368709120", 5368709120, "5G" },
	{ "5 gb", 5368709120, "5G" },
	{ "2048M", 2147483648, "2G" },
	{ "7b", 7, "7" },
	{ "7 o", 7, "7" },
	{ "2 Go", 2147483648, "2G" },
	{ "1 Kio", 1024, "1k" },
	{ "1\xc2\xa0Go", 1073741824, "1G" },
	{ "1 \xe2\x80\xafGB", 1073741824, "1G" },
	{ "3T", 3298534883328, "3T" },
	{ "18446744073709551615", UINT64_MAX, "18446744073709551615" },
};

static void test_quotas(void **state)
{
	static const char *const bad[] = {
		"", "G", "-1", "+1", " 1", "1 ", "1x", "1.5G", "1GG", "1 G B",
		"5Gbb", "1bb", "1oo", "1boo", "lots", "999999999999999999999", "1e9", "\xc2\xb2",
		"18446744073709551616", "18014398509481984k", "16777216T",
		"0x10", "1\n", "1\xc2\xa0", "1\xc2", "1\xc2\xa1G", "1\xe2\x80G",
	};
	char text[QUOTA_TEXT_SIZE];
	uint64_t bytes;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(quotas); i++) {
		assert_true(quota_parse(quotas[i].text, &bytes));
		assert_true(bytes == quotas[i].bytes);
		quota_write(bytes, QUOTA_HUMAN, text);
		assert_string_equal(text, quotas[i].human);
		quota_write(bytes, QUOTA_BYTES, text);
		assert_true(quota_parse(text, &bytes));
		assert_true(bytes == quotas[i].bytes);
	}
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(quota_parse(bad[i], &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_delimiter_of_another_kind),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_emails),
		cmocka_unit_test(test_quotas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
