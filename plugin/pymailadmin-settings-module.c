#include "lib.h"
#include "settings.h"
#include "auth-db-settings.h"
#include "pymailadmin-module.h"
#include "pymailadmin-settings.h"

/* What doveconf looks up in each module of its settings directory. All but the
   first repeat names of others: doveconf accepts that for equal types, and
   settings_get() finds a struct by its own name only. */

extern PYMAILADMIN_MODULE_EXPORT const char *pymailadmin_settings_version;
extern PYMAILADMIN_MODULE_EXPORT const struct setting_parser_info *
pymailadmin_settings_set_infos[];

const char *pymailadmin_settings_version = DOVECOT_ABI_VERSION;

const struct setting_parser_info *pymailadmin_settings_set_infos[] = {
	&pymailadmin_setting_parser_info,
	&pymailadmin_crypt_setting_parser_info,
	&pymailadmin_dict_file_setting_parser_info,
	&pymailadmin_auth_setting_parser_info,
	&pymailadmin_passdb_setting_parser_info,
	&pymailadmin_userdb_setting_parser_info,
	NULL
};
