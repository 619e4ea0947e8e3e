#include "lib.h"
#include "str.h"
#include "auth-window.h"
#include "pymailadmin-settings.h"
#include "key-password.h"
#include "password-hash.h"
#include "check-config.h"
#include "check.h"

#include <sysexits.h>

/* A window shorter than this may be over before the timer has come round. */
#define CHECK_WINDOW_MIN_SECS 60

/* Unless it is told another dovecot.conf, doveadm asks the running Dovecot. */
static void check_current(struct check *check, const char *name)
{
	const char *error;
	int ret;

	ret = check_config_is_current(check->config, check->config_path,
				      &error);
	if (ret < 0) {
		check_warning(check, name, "it runs with the settings checked "
			"here, but could not be started again: %s cannot be "
			"read: %s; see: doveconf -n", check->config_path,
			error);
	} else if (ret == 0) {
		check_warning(check, name, "it runs with the settings checked "
			"here, but %s has been changed since; run: doveadm "
			"reload, and check again", check->config_path);
	} else {
		check_ok(check, name, "it runs with the settings checked here");
	}
}

static void check_running(struct check *check)
{
	const char *name = "dovecot", *error;
	int ret;

	if (!check_socket(check, "master", &error)) {
		check_warning(check, name, "it does not run, and what only the "
			"running Dovecot can tell is not checked: %s; start it "
			"and check again", error);
		return;
	}
	check->running = TRUE;

	ret = check_config_is_running(check->config, check->base_dir, &error);
	if (ret < 0) {
		check_warning(check, name, "it runs, but whether with these "
			      "settings cannot be told: %s", error);
	} else if (ret == 0) {
		check_warning(check, name, "it runs with other settings than "
			"%s has now, which are the ones checked here; run: "
			"doveadm reload", check->config_path);
	} else {
		check_current(check, name);
	}
}

static void check_own_settings(struct check *check)
{
	const struct pymailadmin_settings *set = check->set;
	const char *name = "settings", *text, *error;

	if (auth_window_expand(set->pymailadmin_window_text, "14:05 CET",
			       &text, &error) < 0) {
		check_error(check, name, EX_CONFIG, "pymailadmin_window_text: "
			"%s; the one variable it may have is %%{opens}",
			error);
	} else if (auth_window_expand(set->pymailadmin_maintenance_text,
				      "14:05 CET", &text, &error) < 0) {
		check_error(check, name, EX_CONFIG,
			"pymailadmin_maintenance_text: %s; the one variable it "
			"may have is %%{opens}", error);
	} else if (set->pymailadmin_rekey_window < CHECK_WINDOW_MIN_SECS) {
		check_warning(check, name, "pymailadmin_rekey_window is %u "
			"seconds: a request may expire before the timer comes "
			"to it; set at least %u seconds",
			set->pymailadmin_rekey_window, CHECK_WINDOW_MIN_SECS);
	} else {
		check_ok(check, name, "a mailbox is closed for at most %u "
			 "minutes; depth %s",
			 (set->pymailadmin_rekey_window + 59) / 60,
			 set->pymailadmin_rekey_depth);
	}
}

static void check_password_scheme(struct check *check)
{
	const char *scheme = check->set->pymailadmin_password_scheme;
	const char *name = "password scheme", *error;
	int ret;

	ret = password_hash_check_scheme(scheme, &error);
	if (ret < 0) {
		check_error(check, name, EX_CONFIG, "%s; set "
			"pymailadmin_password_scheme = ARGON2ID", error);
	} else if (ret == 0) {
		check_warning(check, name, "%s; set "
			"pymailadmin_password_scheme = ARGON2ID", error);
	} else {
		check_ok(check, name, "%s", scheme);
	}
}

static void check_key_password(struct check *check)
{
	const char *name = "key password", *error;
	string_t *str = t_str_new(128);

	if (key_password_derive(check->set, "user@example.test", "example",
				str, &error) < 0) {
		check_error(check, name, EX_CONFIG, "%s; it has to say what "
			"the passdb hands out as userdb_crypt_user_key_"
			"password", error);
	} else {
		check_ok(check, name, "%s; whether the passdb's is the same, "
			 "tells: doveadm pymailadmin check -p -u USER",
			 check->set->pymailadmin_key_password);
	}
}

void check_settings(struct check *check)
{
	check_running(check);
	check_own_settings(check);
	check_password_scheme(check);
	check_key_password(check);
}
