#include "setup-private.h"
#include "arena.h"
#include "heartbeat.h"
#include "settings.h"

#include <string.h>

#define CONF_DIR SETUP_DATA_DIR "/doveconf.d"
#define LOOK_MSECS 1000
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

static void ignore_error(void *context, const char *text)
{
	(void)context; (void)text;
}

/* Looks once a second, until it has come or nobody waits any more. */
static int wait_for_host(struct setup *setup, struct db *db,
			 const struct seal_public_key *key,
			 const char **error_r)
{
	struct heartbeat heartbeat;
	bool told = false;
	int ret;

	for (;;) {
		ret = heartbeat_find(db, setup->arena, key, NULL, &heartbeat,
				     error_r);
		if (ret < 0)
			return -1;
		if (ret > 0 && heartbeat.age_secs > HEARTBEAT_MAX_SECS)
			ret = 0;
		if (ret > 0 && heartbeat.opens_seals) {
			dialog_print(arena_printf(setup->arena,
				GREEN "\u25cf %s" PLAIN,
				setup_text(setup, MSG_setup_host_came,
					   LANGUAGE_TEXT("host",
							 heartbeat.host))));
			return 1;
		}
		if (ret > 0 && !told) {
			setup_say(setup, MSG_setup_host_other_key,
				  LANGUAGE_TEXT("host", heartbeat.host));
			told = true;
		}
		if (dialog_wait_enter(&setup->dialog, LOOK_MSECS))
			return 1;
	}
}

static int watch(struct setup *setup, const char **error_r)
{
	struct settings *set = settings_read(setup->config_path, ignore_error,
					     NULL);
	struct db_settings db_set;
	int ret;

	if (set == NULL) {
		*error_r = setup_text(setup, MSG_setup_config_wrong);
		return -1;
	}
	db_settings_init(&db_set, set);
	setup_say(setup, MSG_setup_host_awaited);
	ret = wait_for_host(setup, db_get(&db_set), &set->seal_key, error_r);
	db_deinit();
	settings_free(&set);
	return ret;
}

/* All is done: whatever comes of the waiting, the set-up was a success. */
int setup_dovecot_ask(struct setup *setup, const char **error_r)
{
	setup_say(setup, MSG_setup_dovecot_about);
	dialog_print(
		"\n"
		"  cd /etc/dovecot/conf.d\n"
		"  cp " CONF_DIR "/05-pymailadmin-auth.conf .\n"
		"  cp " CONF_DIR "/90-pymailadmin.conf .\n"
		"  doveconf -n >/dev/null\n"
		"  systemctl restart dovecot\n"
		"  doveadm pymailadmin check\n"
		"  systemctl enable --now pymailadmin-process.timer\n");
	if (setup->dovecot_account == NULL)
		setup_say(setup, MSG_setup_dovecot_grants,
			  LANGUAGE_TEXT("path", SETUP_DATA_DIR
					"/sql/grants-plugin.sql"));
	setup_say(setup, MSG_setup_portal_about);
	dialog_print(
		"\n"
		"  systemctl enable --now pymailadmin-web\n"
		"  curl -fsS http://127.0.0.1:8687/healthz\n");
	if (setup->dialog.is_terminal && watch(setup, error_r) < 0)
		setup_say(setup, MSG_setup_failed,
			  LANGUAGE_TEXT("reason", *error_r));
	return 1;
}
