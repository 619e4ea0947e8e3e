#ifndef AUTH_DB_SETTINGS_H
#define AUTH_DB_SETTINGS_H

/* What "check" wants to know of the auth process's settings. Their own structs
   are the auth binary's; these repeat some of their names, as read in 2.4.1,
   src/auth/auth-settings.c, unchanged in 2.4.4. Part of the settings module,
   like pymailadmin-settings.h. */

struct pymailadmin_auth_settings {
	pool_t pool;

	uoff_t auth_cache_size;
	/* Names, in the order they are asked. */
	ARRAY_TYPE(const_string) passdb, userdb;
};

/* Of one passdb, or of one userdb, which has no mechanisms_filter,
   username_filter, deny and master. */
struct pymailadmin_auth_db_settings {
	pool_t pool;

	const char *name;
	const char *driver;
	ARRAY_TYPE(const_string) mechanisms_filter;
	const char *username_filter;
	const char *skip;
	const char *result_success;
	const char *result_failure;
	const char *result_internalfail;
	bool deny;
	bool master;
};

extern const struct setting_parser_info pymailadmin_auth_setting_parser_info;
extern const struct setting_parser_info pymailadmin_passdb_setting_parser_info;
extern const struct setting_parser_info pymailadmin_userdb_setting_parser_info;

#endif
