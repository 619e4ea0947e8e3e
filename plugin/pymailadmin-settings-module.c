#include "lib.h"
#include "settings.h"
#include "pymailadmin-settings.h"

/* What doveconf looks up in each module of its settings directory. The second
   struct repeats names of mail_crypt: doveconf accepts that for equal types,
   and settings_get() finds a struct by its own name only. */

extern const char *pymailadmin_settings_version;
extern const struct setting_parser_info *pymailadmin_settings_set_infos[];

const char *pymailadmin_settings_version = DOVECOT_ABI_VERSION;

const struct setting_parser_info *pymailadmin_settings_set_infos[] = {
	&pymailadmin_setting_parser_info,
	&pymailadmin_crypt_setting_parser_info,
	NULL
};
