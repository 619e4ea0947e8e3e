#include "web-test.h"

#include "browser-name.h"
#include "buffer.h"
#include "language.h"
#include "mail-compose.h"
#include "mail-text.h"

#include <stdbool.h>

static const struct mail example = {
	.from = "noreply@portal.test",
	.from_name = "Portal",
	.to = "anna@post.test",
	.subject = "Subject",
	.text = "One\nTwo",
	.language = "en",
	.id = "1.2",
	.date = 1764000000,
};

static void assert_lines(const char *text)
{
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, "\r\n");
		assert_true(len <= 76);
		assert_memory_equal(text + len, "\r\n", 2);
		text += len + 2;
	}
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = {
		"", "a", "a@b", "@b.test", "a@b.test\r\nBcc: x@y.test",
		"a b@c.test", "a@c.test>", "<a@c.test", "a@b@c.test",
		"\xc3\xa9@c.test", "a@c.test\t", "a,b@c.test", "\"a\"@c.test",
		"a@c.test\x7f",
	};
	struct buffer out = BUFFER_INIT;
	struct mail mail = example;
	unsigned int i;

	(void)state;
	assert_true(mail_address_is_safe("anna+b@post.test"));
	for (i = 0; i < N_ELEMENTS(wrong); i++) {
		if (mail_address_is_safe(wrong[i]))
			fail_msg("\"%s\" is taken", wrong[i]);
		mail = example;
		mail.to = wrong[i];
		assert_false(mail_compose(&out, &mail));
		mail = example;
		mail.from = wrong[i];
		assert_false(mail_compose(&out, &mail));
		assert_int_equal(out.size, 0);
	}
}

static void test_a_mail(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_true(mail_compose(&out, &example));
	assert_string_equal(buffer_str(&out),
		"Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
		"From: =?UTF-8?B?UG9ydGFs?=\r\n <noreply@portal.test>\r\n"
		"To: <anna@post.test>\r\n"
		"Subject: =?UTF-8?B?U3ViamVjdA==?=\r\n"
		"Message-ID: <1.2@portal.test>\r\n"
		"Content-Language: en\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"One\r\nTwo\r\n");
	buffer_free(&out);
}

/* Whatever is in it: no line is too long, none ends but with CR LF, and there is
   one empty line before the text. */
static void test_odd_texts(void **state)
{
	static const char *const texts[] = {
		"", "\r\nBcc: x@y.test\r\n\r\ntext", "\n\n", "=", "=\r\n", ".",
		"a \nb\t\n ", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91", "\xff\x80",
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
	};
	struct buffer out = BUFFER_INIT;
	struct mail mail = example;
	const char *text, *end, *bcc;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(texts); i++) {
		mail.subject = mail.from_name = mail.text = texts[i];
		assert_true(mail_compose(&out, &mail));
		text = buffer_str(&out);
		assert_lines(text);
		end = strstr(text, "\r\n\r\n");
		assert_non_null(end);
		assert_true(strstr(text, "\r\nMIME-Version: ") < end);
		bcc = strstr(text, "\r\nBcc: ");
		assert_true(bcc == NULL || bcc > end);
		buffer_free(&out);
	}
}

static void test_long_lines_are_broken(void **state)
{
	char text[2000];
	struct buffer out = BUFFER_INIT;
	struct mail mail = example;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = (i & 1) == 0 ? '\xc3' : '\xa9';
	text[sizeof(text) - 2] = '\0';
	mail.text = mail.subject = text;
	assert_true(mail_compose(&out, &mail));
	assert_lines(buffer_str(&out));
	buffer_free(&out);
}

static void test_every_text_in_every_language(void **state)
{
	static const char *const templates[] = {
		"password-reset", "account-password-changed", "two-factor-on",
		"two-factor-off", "backup-codes-changed", "new-login",
		"password-filed",
		"password-done", "password-failed", "password-expired",
		"create-done", "create-failed", "create-expired",
		"delete-filed", "delete-done",
		"delete-failed", "delete-expired", "request-canceled", "registration",
		"registration-account", "registration-known",
		"registration-waiting", "registration-reminder",
		"registration-accepted", "registration-declined",
		"account-made", "account-deleted", "account-role",
		"account-deactivated", "account-activated", "two-factor-reset",
		"mailbox-given", "mailbox-taken", "aliases-changed",
	};
	struct mail_values values = {
		.product = "PRODUCT", .email = "EMAIL", .address = "ADDRESS",
		.url = "URL", .message = "MESSAGE", .time = 1764000000,
		.valid_secs = 3600,
	};
	const char *subject, *text;
	unsigned int i, l;

	for (l = 0; l < languages_count; l++) {
		for (i = 0; i < N_ELEMENTS(templates); i++) {
			values.template = templates[i];
			assert_true(mail_text(*state, &languages[l], &values,
					      &subject, &text));
			assert_null(strpbrk(subject, "{}\n"));
			assert_null(strpbrk(text, "{}"));
			assert_true(strstr(text, "EMAIL") != NULL ||
				    strstr(text, "ADDRESS") != NULL);
		}
	}
	values.template = "password-done";
	values.address = NULL;
	assert_false(mail_text(*state, &languages[0], &values, &subject,
			       &text));
	values.template = "no-such";
	assert_false(mail_text(*state, &languages[0], &values, &subject,
			       &text));
}

static void test_browsers(void **state)
{
	static const struct {
		const char *user_agent, *name;
	} tests[] = {
		{ "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 "
		  "Firefox/140.0", "Firefox, Linux" },
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
		  "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 "
		  "Edg/140.0.0.0", "Edge, Windows" },
		{ "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, "
		  "like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
		  "Chrome, Android" },
		{ "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) "
		  "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
		  "Safari/604.1", "Safari, iPad" },
		{ "curl/8.14.1", NULL },
		{ "Windows", "Windows" },
		{ "", NULL },
	};
	const char *name;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(tests); i++) {
		name = browser_name(*state, tests[i].user_agent);
		if (tests[i].name == NULL)
			assert_null(name);
		else
			assert_string_equal(name, tests[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_a_mail),
		cmocka_unit_test(test_odd_texts),
		cmocka_unit_test(test_long_lines_are_broken),
		arena_test(test_every_text_in_every_language),
		arena_test(test_browsers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
