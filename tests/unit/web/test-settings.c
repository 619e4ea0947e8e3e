#include "web-test.h"

#include "settings-types.h"
#include "settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "00112233445566778899aabbccddeeff"
#define HEX32 DIGITS DIGITS
#define SEAL_KEY "pymailadmin-seal-public:1:" HEX32

static char folder[] = "/tmp/test-settings-XXXXXX";
static char path[64], secret_path[64], errors[4096];

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static void collect(void *context, const char *text)
{
	const size_t used = strlen(errors);

	(void)context;
	(void)snprintf(errors + used, sizeof(errors) - used, "%s\n", text);
}

/* What must be there, and then the text. */
static struct settings *read_text(const char *text)
{
	char whole[4096];

	(void)snprintf(whole, sizeof(whole),
		       "base_url = https://mail.example.org\n"
		       "database_name = mail\n"
		       "seal_key = " SEAL_KEY "\n"
		       "secret_key_file = %s\n%s", secret_path, text);
	write_file(path, whole, 0640);
	errors[0] = '\0';
	return settings_read(path, collect, NULL);
}

static int setup_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/web.conf", folder);
	(void)snprintf(secret_path, sizeof(secret_path), "%s/key", folder);
	write_file(secret_path, HEX32 "\n", 0600);
	return 0;
}

static int teardown_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(secret_path);
	return rmdir(folder);
}

static void test_defaults(void **state)
{
	struct settings *set = read_text("");

	(void)state;
	assert_string_equal(errors, "");
	assert_non_null(set);
	assert_string_equal(set->listen, "127.0.0.1:8686");
	assert_string_equal(set->metrics_listen, "127.0.0.1:8687");
	assert_true(set->secure);
	assert_int_equal(set->trusted_proxies_count, 0);
	assert_int_equal(set->secret_key[1], 0x11);
	assert_true(set->hash_threads >= 1);
	assert_int_equal(set->session_idle_secs, 7200);
	assert_int_equal(set->limit_login_account.burst, 10);
	assert_int_equal(set->limit_login_account.refill_secs, 900);
	assert_true(set->quota_min == 1ULL << 30);
	assert_int_equal(set->password_scheme, PASSWORD_SCHEME_ARGON2ID);
	assert_string_equal(set->database_password, "");
	assert_string_equal(set->smtp_password, "");
	assert_string_equal(set->recipient_delimiter, "+");
	assert_true(set->reserved_names.count > 10);
	settings_free(&set);
	assert_null(set);
	settings_free(&set);
}

static void test_values(void **state)
{
	struct settings *set = read_text(
		"# a comment\n"
		"\n"
		"  \n"
		"listen = unix:/run/x.sock\n"
		"metrics_listen =\n"
		"trusted_proxies = 127.0.0.1 10.0.0.0/8, unix\n"
		"\t2001:db8::/32\n"
		"product_name = Caf\xc3\xa9 = \"Mail\" ; the name\n"
		"quota_max=2T\n"
		"rekey_window = 10 mins\n"
		"two_factor_required = admin, super_admin\n"
		"password_scheme = BLF-CRYPT\n"
		"quota_format = human\n"
		"limit_reset = 1/1day\n"
		"recipient_delimiter =\n"
		"database_password = a=b:c#d\n");

	(void)state;
	assert_string_equal(errors, "");
	assert_non_null(set);
	assert_string_equal(set->listen, "unix:/run/x.sock");
	assert_string_equal(set->metrics_listen, "");
	assert_int_equal(set->trusted_proxies_count, 4);
	assert_true(set->trusted_proxies[2].address.is_unix);
	assert_string_equal(set->product_name, "Caf\xc3\xa9 = \"Mail\"");
	assert_true(set->quota_max == 2ULL << 40);
	assert_int_equal(set->rekey_window_secs, 600);
	assert_int_equal(set->two_factor_required,
			 SETTINGS_ROLE_ADMIN | SETTINGS_ROLE_SUPER_ADMIN);
	assert_int_equal(set->password_scheme, PASSWORD_SCHEME_BLF_CRYPT);
	assert_int_equal(set->quota_format, QUOTA_FORMAT_HUMAN);
	assert_int_equal(set->limit_reset.refill_secs, 86400);
	assert_string_equal(set->recipient_delimiter, "");
	assert_string_equal(set->database_password, "a=b:c#d");
	settings_free(&set);
}

/* Of the line after the four that must be there. */
static const struct {
	const char *text, *error;
} wrong[] = {
	{ "nonsense = 1", "5): nonsense: there is no such setting" },
	{ "Listen = 127.0.0.1:1", "5): Listen: there is no such setting" },
	{ "listen", "5): not a line of the form \"key = value\"" },
	{ "[web]", "5): there are no sections in this file" },
	{ "threads = 2\nthreads = 3", "6): threads: is in line 5 already" },
	{ "threads = 2\n\t3", "6): threads: its value cannot go on" },
	{ "threads = 0", "5): threads: not between 1 and 64" },
	{ "threads = 65", "5): threads: not between 1 and 64" },
	{ "threads = 2x", "5): threads: not a number" },
	{ "threads = -1", "5): threads: not a number" },
	{ "threads = 99999999999999999999999", "5): threads: not a number" },
	{ "threads =", "5): threads: not a number" },
	{ "listen = 8686", "5): listen: not address:port" },
	{ "listen = localhost:8686", "5): listen: not address:port" },
	{ "listen = 127.0.0.1:0", "5): listen: not address:port" },
	{ "listen = 127.0.0.1:65536", "5): listen: not address:port" },
	{ "listen = ::1:80", "5): listen: not address:port" },
	{ "listen = unix:x", "5): listen: not address:port" },
	{ "listen =", "5): listen: not address:port" },
	{ "metrics_listen = systemd", "5): metrics_listen: systemd opens" },
	{ "metrics_listen = 127.0.0.1:8686",
	  "5): metrics_listen: the same as listen" },
	{ "trusted_proxies = 10.0.0.0/8 proxy",
	  "5): trusted_proxies: \"proxy\" is no address" },
	{ "product_name =", "5): product_name: must not be empty" },
	{ "product_name = a\x01", "5): product_name: not UTF-8" },
	{ "product_name = \xff", "5): product_name: not UTF-8" },
	{ "session_idle = 10", "5): session_idle: not a time" },
	{ "session_idle = 10s", "5): session_idle: not between 60 and" },
	{ "session_idle = 13h", "5): session_idle: more than session_lif" },
	{ "quota_min = 1X", "5): quota_min: not a size" },
	{ "quota_min = 6G", "5): quota_min: more than quota_max" },
	{ "quota_min = 99999999999999T", "5): quota_min: not a size" },
	{ "quota_format = words", "5): quota_format: not one of bytes, hum" },
	{ "password_scheme = MD5", "5): password_scheme: not one of ARGON2ID" },
	{ "password_argon2_memory = 1024",
	  "5): password_argon2_memory: not between 19456" },
	{ "password_argon2_memory = 20000\npassword_argon2_time = 1",
	  "6): password_argon2_time: too little" },
	{ "password_bcrypt_cost = 5", "5): password_bcrypt_cost: not betw" },
	{ "password_sha_rounds = 5000", "5): password_sha_rounds: not bet" },
	{ "password_pbkdf2_rounds = 5000", "5): password_pbkdf2_rounds: n" },
	{ "limit_code = 5", "5): limit_code: not a number and a time" },
	{ "limit_code = 0/1h", "5): limit_code: not between 1 and" },
	{ "limit_code = 5/1", "5): limit_code: not a time" },
	{ "two_factor_required = root", "5): two_factor_required: not a l" },
	{ "recipient_delimiter = +-", "5): recipient_delimiter: not one c" },
	{ "database_tls_ca = ca.pem", "5): database_tls_ca: not a path" },
	{ "database_tls_cert = /c", "5): database_tls_cert: goes together" },
	{ "database_host =", "5): database_host: neither this nor" },
	{ "registration = open", "5): registration: needs smtp_url" },
	{ "registration = yes", "5): registration: not one of off, open" },
	{ "smtp_url = smtp://mail", "5): smtp_url: goes together with mail_" },
	{ "smtp_url = http://mail\nmail_from = a@b", "5): smtp_url: neither" },
	{ "smtp_url = smtp://a:b@mail\nmail_from = a@b",
	  "5): smtp_url: user and password have settings" },
	{ "smtp_url = smtp://localhost:1@mail\nmail_from = a@b",
	  "5): smtp_url: user and password have settings" },
	{ "smtp_tls_ca = ca.pem", "5): smtp_tls_ca: not a path" },
	{ "database_password_file = key", "5): database_password_file: not a"
	  " path" },
	{ "database_password_file = /nonexistent",
	  "5): database_password_file: open(/nonexistent) failed: No such" },
	{ "database_password_file = /tmp",
	  "5): database_password_file: not a regular file" },
};

static void test_errors(void **state)
{
	struct settings *set;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(wrong); i++) {
		(void)snprintf(text, sizeof(text), "%s\n", wrong[i].text);
		set = read_text(text);
		if (set != NULL || strstr(errors, wrong[i].error) == NULL)
			fail_msg("\"%s\": %s", wrong[i].text, errors);
		if (strncmp(errors, "settings(", 9) != 0 ||
		    strchr(errors, '\n') != errors + strlen(errors) - 1)
			fail_msg("\"%s\": not one error: %s", wrong[i].text,
				 errors);
	}
}

static void test_all_errors_are_named(void **state)
{
	struct settings *set;

	(void)state;
	write_file(path, "threads = x\nbase_url = https://a.example/\n", 0600);
	errors[0] = '\0';
	set = settings_read(path, collect, NULL);
	assert_null(set);
	assert_non_null(strstr(errors, ":1): threads: not a number\n"));
	assert_non_null(strstr(errors, ":2): base_url: nothing may come aft"));
	assert_non_null(strstr(errors, "): database_name: is not set\n"));
	assert_non_null(strstr(errors, "): seal_key: is not set\n"));
	assert_non_null(strstr(errors, "): secret_key_file: is not set\n"));
	assert_int_equal(unlink(path), 0);
	errors[0] = '\0';
	assert_null(settings_read(path, collect, NULL));
	assert_non_null(strstr(errors, "): No such file or directory\n"));
}

static void test_long_line(void **state)
{
	struct settings *set;
	char text[1200];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "product_name = ", 15);
	memcpy(text + sizeof(text) - 18, "\nthreads = 0\n", 14);
	set = read_text(text);
	assert_null(set);
	assert_non_null(strstr(errors, ":5): the line is too long\n"));
	assert_non_null(strstr(errors, ":6): threads: "));
}

static void test_secrets(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *error;
	} cases[] = {
		{ HEX32, 0400, NULL },
		{ HEX32 "\n", 0640, NULL },
		{ HEX32 "\n", 0644, "has mode 0644" },
		{ HEX32 "\n", 0660, "has mode 0660" },
		{ HEX32 "\n", 0601, "has mode 0601" },
		{ "", 0600, "the file is empty" },
		{ HEX32 "\n\n", 0600, "not one line" },
		{ HEX32 "0", 0600, "does not hold 64 hex digits" },
		{ DIGITS, 0600, "does not hold 64 hex digits" },
		{ "secret of another kind", 0600, "does not hold 64 hex" },
	};
	struct settings *set;
	size_t i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(cases); i++) {
		write_file(secret_path, cases[i].text, cases[i].mode);
		set = read_text("");
		if ((set == NULL) != (cases[i].error != NULL) ||
		    (set == NULL && strstr(errors, cases[i].error) == NULL))
			fail_msg("\"%s\", %o: %s", cases[i].text,
				 (unsigned int)cases[i].mode, errors);
		assert_null(strstr(errors, DIGITS));
		assert_null(strstr(errors, "another kind"));
		settings_free(&set);
	}
	write_file(secret_path, HEX32 "\n", 0600);
}

/* Nobody writes to it: to wait for that would be for ever. */
static void test_a_pipe_is_no_secret(void **state)
{
	(void)state;
	assert_int_equal(unlink(secret_path), 0);
	assert_int_equal(mkfifo(secret_path, 0600), 0);
	(void)alarm(30);
	assert_null(read_text(""));
	(void)alarm(0);
	assert_non_null(strstr(errors, "secret_key_file: not a regular file"));
	assert_int_equal(unlink(secret_path), 0);
	write_file(secret_path, HEX32 "\n", 0600);
}

static void test_password_in_a_file_for_all(void **state)
{
	struct settings *set = read_text("database_password = hunter2\n");

	(void)state;
	assert_non_null(set);
	settings_free(&set);
	assert_int_equal(chmod(path, 0644), 0);
	errors[0] = '\0';
	assert_null(settings_read(path, collect, NULL));
	assert_non_null(strstr(errors, ":5): database_password: others than"));
	assert_null(strstr(errors, "hunter2"));
}

static void test_credentials(void **state)
{
	char text[256];
	struct settings *set;

	(void)state;
	/* the path is another, the name the same */
	(void)snprintf(text, sizeof(text),
		       "database_password_file = /etc/nowhere/key\n");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	set = read_text(text);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_string_equal(errors, "");
	assert_non_null(set);
	assert_string_equal(set->database_password, HEX32);
	settings_free(&set);
}

static void test_origins(void **state)
{
	static const char *const right[] = {
		"https://a", "https://mail.example.org", "http://127.0.0.1:8686",
		"https://[::1]:8443", "http://[2001:db8::1]",
		"https://xn--caf-dma.example",
	}, *const bad[] = {
		"", "https://", "mail.example.org", "https://a/", "https://a/b",
		"HTTPS://a", "https://A", "https://a:443", "http://a:80",
		"https://a:0", "https://a:99999", "https://a:", "https://a:08",
		"https://u@a", "https://a?b", "ftp://a", "https://a b",
		"https://-a", "https://[::1", "https://caf\xc3\xa9",
	};
	const char *origin;
	size_t i;

	for (i = 0; i < N_ELEMENTS(right); i++) {
		assert_null(settings_parse_origin(*state, right[i], &origin));
		assert_string_equal(origin, right[i]);
	}
	for (i = 0; i < N_ELEMENTS(bad); i++) {
		if (settings_parse_origin(*state, bad[i], &origin) == NULL)
			fail_msg("\"%s\"", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_all_errors_are_named),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_a_pipe_is_no_secret),
		cmocka_unit_test(test_password_in_a_file_for_all),
		cmocka_unit_test(test_credentials),
		arena_test(test_origins),
	};

	return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
