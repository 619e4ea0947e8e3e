#include "settings-table.h"
#include "settings.h"

#include <string.h>

static bool is_smtp_url(const char *url)
{
	return strncmp(url, "smtp://", 7) == 0 ||
		strncmp(url, "smtps://", 8) == 0;
}

void settings_table_check(const struct settings *set,
			  void (*error)(void *context, const char *key,
					const char *reason),
			  void *context)
{
	const struct {
		bool wrong;
		const char *key, *reason;
	} checks[] = {
		{ set->database_socket[0] == '\0' &&
		  set->database_host[0] == '\0',
		  "database_host", "neither this nor database_socket is set" },
		{ (set->database_tls_cert[0] == '\0') !=
		  (set->database_tls_key[0] == '\0'),
		  "database_tls_cert", "goes together with database_tls_key" },
		{ strcmp(set->metrics_listen, "systemd") == 0,
		  "metrics_listen", "systemd opens only the other one" },
		{ strcmp(set->metrics_listen, set->listen) == 0,
		  "metrics_listen", "the same as listen" },
		{ set->session_idle_secs > set->session_lifetime_secs,
		  "session_idle", "more than session_lifetime" },
		{ set->mailbox_name_min > set->name_max,
		  "mailbox_name_min", "more than name_max" },
		{ set->alias_name_min > set->name_max,
		  "alias_name_min", "more than name_max" },
		{ set->quota_min > set->quota_max,
		  "quota_min", "more than quota_max" },
		/* OWASP: 19 MiB and 2 passes, or as much work otherwise */
		{ (uint64_t)set->password_argon2_memory *
		  set->password_argon2_time < 2 * 19456,
		  "password_argon2_time", "too little for this "
		  "password_argon2_memory" },
		{ set->smtp_url[0] != '\0' && !is_smtp_url(set->smtp_url),
		  "smtp_url", "neither smtp://host nor smtps://host" },
		/* the log names it */
		{ strchr(set->smtp_url, '@') != NULL,
		  "smtp_url", "user and password have settings of their own" },
		{ (set->smtp_url[0] == '\0') != (set->mail_from[0] == '\0'),
		  "smtp_url", "goes together with mail_from" },
		{ set->registration != REGISTRATIONS_OFF &&
		  set->smtp_url[0] == '\0',
		  "registration", "needs smtp_url: the link comes by mail" },
		{ set->smtp_user[0] != '\0' && set->smtp_password[0] == '\0',
		  "smtp_user", "goes together with smtp_password_file" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i].wrong)
			error(context, checks[i].key, checks[i].reason);
	}
}
