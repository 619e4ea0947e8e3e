#include "lib.h"
#include "settings.h"
#include "settings-parser.h"
#include "pymailadmin-settings.h"

/* What the database's column takes. */
#define BACKEND_MAX_CHARS 253
#define BACKEND_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"

static bool pymailadmin_settings_check(void *set, pool_t pool,
				       const char **error_r);

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct pymailadmin_settings)
static const struct setting_define pymailadmin_setting_defines[] = {
	{ .type = SET_FILTER_NAME, .key = PYMAILADMIN_SQL_FILTER },
	DEF(TIME, pymailadmin_rekey_window),
	DEF(ENUM, pymailadmin_rekey_depth),
	DEF(UINT, pymailadmin_rekey_workers),
	DEF(SIZE, pymailadmin_rekey_rate),
	DEF(SIZE, pymailadmin_rekey_min_free),
	DEF(BOOL, pymailadmin_rekey_drop_cache),
	DEF(STR_NOVARS, pymailadmin_key_password),
	DEF(STR, pymailadmin_password_scheme),
	DEF(STR, pymailadmin_backend),
	DEF(STR, pymailadmin_seal_key_path),
	DEF(STR_NOVARS, pymailadmin_window_text),
	DEF(STR, pymailadmin_creation_text),
	DEF(STR_NOVARS, pymailadmin_maintenance_text),
	DEF(STR, pymailadmin_unavailable_text),
	DEF(TIME, pymailadmin_deletion_grace),
	DEF(TIME, pymailadmin_address_quarantine),

	SETTING_DEFINE_LIST_END
};

static const struct pymailadmin_settings pymailadmin_default_settings = {
	.pymailadmin_rekey_window = PYMAILADMIN_REKEY_WINDOW_MAX_SECS,
	.pymailadmin_rekey_depth = "storage:keys:password",
	.pymailadmin_rekey_workers = 0,
	.pymailadmin_rekey_rate = 0,
	.pymailadmin_rekey_min_free = 100 * 1024 * 1024,
	.pymailadmin_rekey_drop_cache = FALSE,
	.pymailadmin_key_password = "%{password | sha256 | hexlify}",
	.pymailadmin_password_scheme = "ARGON2ID",
	.pymailadmin_backend = "",
	.pymailadmin_seal_key_path = "/etc/dovecot/pymailadmin-seal.key",
	.pymailadmin_window_text = "Your mailbox is closed while its password "
		"is being changed. It opens again by "
		"%{opens | default('the end of the change')}.",
	.pymailadmin_creation_text =
		"Your mailbox is being made, try again in a few minutes",
	.pymailadmin_maintenance_text = "Your mailbox is closed for "
		"maintenance. It opens again by %{opens}.",
	.pymailadmin_unavailable_text =
		"Your mailbox cannot be opened right now, try again later",
	.pymailadmin_deletion_grace = 48*60*60,
	.pymailadmin_address_quarantine = 30*24*60*60,
};

const struct setting_parser_info pymailadmin_setting_parser_info = {
	.name = "pymailadmin",

	.defines = pymailadmin_setting_defines,
	.defaults = &pymailadmin_default_settings,

	.struct_size = sizeof(struct pymailadmin_settings),
	.pool_offset1 = 1 + offsetof(struct pymailadmin_settings, pool),
	.check_func = pymailadmin_settings_check,
};

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, \
				     struct pymailadmin_crypt_settings)
static const struct setting_define pymailadmin_crypt_setting_defines[] = {
	DEF(STR, crypt_user_key_password),
	DEF(STR, crypt_user_key_curve),
	DEF(STR, crypt_write_algorithm),
	DEF(FILE, crypt_global_public_key_file),
	DEF(BOOL, crypt_user_key_require_encrypted),

	SETTING_DEFINE_LIST_END
};

static const struct pymailadmin_crypt_settings
pymailadmin_crypt_default_settings = {
	.crypt_user_key_password = "",
	.crypt_user_key_curve = "",
	.crypt_write_algorithm = "aes-256-gcm-sha256",
	.crypt_global_public_key_file = "",
	.crypt_user_key_require_encrypted = FALSE,
};

const struct setting_parser_info pymailadmin_crypt_setting_parser_info = {
	.name = "pymailadmin_crypt",

	.defines = pymailadmin_crypt_setting_defines,
	.defaults = &pymailadmin_crypt_default_settings,

	.struct_size = sizeof(struct pymailadmin_crypt_settings),
	.pool_offset1 = 1 + offsetof(struct pymailadmin_crypt_settings, pool),
};

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, \
				     struct pymailadmin_dict_file_settings)
static const struct setting_define pymailadmin_dict_file_setting_defines[] = {
	DEF(STR, dict_file_path),

	SETTING_DEFINE_LIST_END
};

static const struct pymailadmin_dict_file_settings
pymailadmin_dict_file_default_settings = {
	.dict_file_path = "",
};

const struct setting_parser_info pymailadmin_dict_file_setting_parser_info = {
	.name = "pymailadmin_dict_file",

	.defines = pymailadmin_dict_file_setting_defines,
	.defaults = &pymailadmin_dict_file_default_settings,

	.struct_size = sizeof(struct pymailadmin_dict_file_settings),
	.pool_offset1 = 1 +
		offsetof(struct pymailadmin_dict_file_settings, pool),
};

static bool pymailadmin_settings_check(void *_set, pool_t pool ATTR_UNUSED,
				       const char **error_r)
{
	struct pymailadmin_settings *set = _set;

	if (set->pymailadmin_rekey_window == 0 ||
	    set->pymailadmin_rekey_window > PYMAILADMIN_REKEY_WINDOW_MAX_SECS) {
		*error_r = "pymailadmin_rekey_window must be "
			"between 1 second and 15 minutes";
		return FALSE;
	}
	/* compared alike here and in the database, and shown anywhere */
	if (strspn(set->pymailadmin_backend, BACKEND_CHARACTERS) !=
	    strlen(set->pymailadmin_backend) ||
	    strlen(set->pymailadmin_backend) > BACKEND_MAX_CHARS) {
		*error_r = "pymailadmin_backend must be a name of letters, "
			"digits, and . _ : -";
		return FALSE;
	}
	if (strstr(set->pymailadmin_key_password, "%{password") == NULL) {
		*error_r = "pymailadmin_key_password must contain %{password}";
		return FALSE;
	}
	if (strcmp(set->pymailadmin_rekey_depth, "password") == 0)
		set->parsed_rekey_depth = PYMAILADMIN_REKEY_DEPTH_PASSWORD;
	else if (strcmp(set->pymailadmin_rekey_depth, "keys") == 0)
		set->parsed_rekey_depth = PYMAILADMIN_REKEY_DEPTH_KEYS;
	else
		set->parsed_rekey_depth = PYMAILADMIN_REKEY_DEPTH_STORAGE;
	return TRUE;
}
