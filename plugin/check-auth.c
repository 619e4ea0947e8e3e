#include "lib.h"
#include "array.h"
#include "str.h"
#include "settings.h"
#include "auth-db-settings.h"
#include "live-sessions.h"
#include "check-config.h"
#include "check.h"

#include <sysexits.h>

#define CHECK_DRIVER "pymailadmin"

struct auth_db_kind {
	/* Also the name of the filter, and of the check */
	const char *name;
	const struct setting_parser_info *info;
};

static const struct auth_db_kind passdb_kind = {
	.name = "passdb",
	.info = &pymailadmin_passdb_setting_parser_info,
};

static const struct auth_db_kind userdb_kind = {
	.name = "userdb",
	.info = &pymailadmin_userdb_setting_parser_info,
};

/* Processes people log in to; "" are those without settings of their own. */
static const char *const login_protocols[] = {
	"", "imap", "pop3", "submission", "sieve", "smtp"
};

/* Names the first setting by which the auth process would not ask the driver,
   or not do what it says. */
static const char *
auth_db_bypass(const struct pymailadmin_auth_db_settings *set)
{
	if (strcmp(set->skip, "never") != 0)
		return "skip";
	if (strcmp(set->result_success, "return-ok") != 0)
		return "result_success";
	if (strcmp(set->result_failure, "continue") != 0)
		return "result_failure";
	if (strcmp(set->result_internalfail, "continue") != 0)
		return "result_internalfail";
	if (array_is_created(&set->mechanisms_filter) &&
	    array_not_empty(&set->mechanisms_filter))
		return "mechanisms_filter";
	if (set->username_filter[0] != '\0')
		return "username_filter";
	if (set->deny)
		return "deny";
	return NULL;
}

/* One that can only refuse, or is asked for master users only, may go before
   the driver. */
static bool auth_db_may_be_first(const struct pymailadmin_auth_db_settings *set)
{
	return set->master ||
		(set->deny &&
		 strcmp(set->result_success, "return-ok") == 0 &&
		 strcmp(set->result_failure, "continue") == 0 &&
		 strcmp(set->result_internalfail, "continue") == 0);
}

/* Returns FALSE with what is wrong. */
static bool auth_db_list_check(struct event *event,
			       const struct auth_db_kind *kind,
			       const ARRAY_TYPE(const_string) *names,
			       const char **error_r)
{
	const struct pymailadmin_auth_db_settings *set;
	const char *name, *before = NULL, *bypass, *error;
	bool is_driver;

	if (array_is_created(names)) array_foreach_elem(names, name) {
		if (settings_get_filter(event, kind->name, name, kind->info,
					SETTINGS_GET_FLAG_NO_EXPAND, &set,
					&error) < 0) {
			*error_r = t_strdup(error);
			return FALSE;
		}
		is_driver = strcmp(set->driver, CHECK_DRIVER) == 0 &&
			!set->master;
		bypass = auth_db_bypass(set);
		if (!is_driver && before == NULL && !auth_db_may_be_first(set))
			before = t_strdup(name);
		settings_free(set);
		if (!is_driver)
			continue;
		if (before != NULL) {
			*error_r = t_strdup_printf("%s %s is asked before "
				"%s %s and lets people into mailboxes that "
				"are closed; put %s %s first", kind->name,
				before, kind->name, name, kind->name, name);
			return FALSE;
		}
		if (bypass != NULL) {
			*error_r = t_strdup_printf("%s %s has the setting %s, "
				"by which people get into mailboxes that are "
				"closed; remove it", kind->name, name, bypass);
			return FALSE;
		}
		return TRUE;
	}
	*error_r = t_strdup_printf("there is none of the driver "CHECK_DRIVER
		", and people get into mailboxes that are closed; put before "
		"all others: %s "CHECK_DRIVER" { driver = "CHECK_DRIVER" }",
		kind->name);
	return FALSE;
}

static int auth_settings_get(struct event *event,
			     const struct pymailadmin_auth_settings **set_r,
			     const char **error_r)
{
	return settings_get(event, &pymailadmin_auth_setting_parser_info, 0,
			    set_r, error_r);
}

static bool auth_db_check_protocol(struct check *check,
				   const struct auth_db_kind *kind,
				   const char *protocol, const char **error_r)
{
	struct event *event = check_config_event(check->config, protocol);
	const struct pymailadmin_auth_settings *set;
	bool ok = FALSE;

	if (auth_settings_get(event, &set, error_r) == 0) {
		ok = auth_db_list_check(event, kind,
			kind == &passdb_kind ? &set->passdb : &set->userdb,
			error_r);
		settings_free(set);
	}
	event_unref(&event);
	return ok;
}

static void check_auth_db(struct check *check, const struct auth_db_kind *kind)
{
	const char *protocol, *error;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(login_protocols); i++) {
		protocol = login_protocols[i];
		if (auth_db_check_protocol(check, kind, protocol, &error))
			continue;
		if (protocol[0] != '\0')
			error = t_strdup_printf("in protocol %s: %s", protocol,
						error);
		check_error(check, kind->name, EX_CONFIG, "%s", error);
		return;
	}
	check_ok(check, kind->name, "the driver "CHECK_DRIVER" is asked first");
}

static void check_auth_cache(struct check *check)
{
	struct event *event = check_config_event(check->config, "");
	const struct pymailadmin_auth_settings *set;
	const char *name = "auth cache", *error;
	bool cached;
	unsigned int count;

	if (auth_settings_get(event, &set, &error) < 0) {
		check_error(check, name, EX_CONFIG, "%s", error);
		event_unref(&event);
		return;
	}
	cached = set->auth_cache_size > 0;
	settings_free(set);
	event_unref(&event);

	/* also without a cache, as each change does it */
	if (check->running &&
	    (!check_socket(check, "auth-master", &error) ||
	     live_sessions_flush_auth_cache(check->base_dir, CHECK_NOBODY,
					    &count, &error) < 0)) {
		check_error(check, name, EX_CONFIG, "its entries cannot be "
			"flushed, and mailboxes would stay closed after a "
			"change: %s; see the log of the auth process", error);
	} else if (!cached) {
		check_ok(check, name, "off");
	} else {
		check_ok(check, name, "on; a change of a password flushes the "
			 "mailbox's entries");
	}
}

void check_auth(struct check *check)
{
	check_auth_db(check, &passdb_kind);
	check_auth_db(check, &userdb_kind);
	check_auth_cache(check);
}
