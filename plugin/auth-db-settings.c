#include "lib.h"
#include "array.h"
#include "settings.h"
#include "settings-parser.h"
#include "auth-db-settings.h"

/* The first is the default. */
#define PASSDB_SKIP "never:authenticated:unauthenticated"
#define USERDB_SKIP "never:found:notfound"
#define RESULT_SUCCESS \
	"return-ok:return:return-fail:continue:continue-ok:continue-fail"
#define RESULT_FAILURE \
	"continue:return:return-ok:return-fail:continue-ok:continue-fail"

static bool auth_db_settings_check(void *_set, pool_t pool ATTR_UNUSED,
				   const char **error_r ATTR_UNUSED)
{
	struct pymailadmin_auth_db_settings *set = _set;

	if (set->driver[0] == '\0')
		set->driver = set->name;
	return TRUE;
}

static const struct setting_define pymailadmin_auth_setting_defines[] = {
	SETTING_DEFINE_STRUCT_SIZE("auth_cache_size", auth_cache_size,
				   struct pymailadmin_auth_settings),
	{ .type = SET_FILTER_ARRAY, .key = "passdb",
	  .offset = offsetof(struct pymailadmin_auth_settings, passdb),
	  .filter_array_field_name = "passdb_name" },
	{ .type = SET_FILTER_ARRAY, .key = "userdb",
	  .offset = offsetof(struct pymailadmin_auth_settings, userdb),
	  .filter_array_field_name = "userdb_name" },

	SETTING_DEFINE_LIST_END
};

static const struct pymailadmin_auth_settings
pymailadmin_auth_default_settings = {
	.auth_cache_size = 0,
	.passdb = ARRAY_INIT,
	.userdb = ARRAY_INIT,
};

const struct setting_parser_info pymailadmin_auth_setting_parser_info = {
	.name = "pymailadmin_auth",

	.defines = pymailadmin_auth_setting_defines,
	.defaults = &pymailadmin_auth_default_settings,

	.struct_size = sizeof(struct pymailadmin_auth_settings),
	.pool_offset1 = 1 + offsetof(struct pymailadmin_auth_settings, pool),
};

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type("passdb_"#name, name, \
				     struct pymailadmin_auth_db_settings)
static const struct setting_define pymailadmin_passdb_setting_defines[] = {
	DEF(STR, name),
	DEF(STR, driver),
	DEF(BOOLLIST, mechanisms_filter),
	DEF(STR, username_filter),
	DEF(ENUM, skip),
	DEF(ENUM, result_success),
	DEF(ENUM, result_failure),
	DEF(ENUM, result_internalfail),
	DEF(BOOL, deny),
	DEF(BOOL, master),

	SETTING_DEFINE_LIST_END
};

static const struct pymailadmin_auth_db_settings
pymailadmin_passdb_default_settings = {
	.name = "",
	.driver = "",
	.mechanisms_filter = ARRAY_INIT,
	.username_filter = "",
	.skip = PASSDB_SKIP,
	.result_success = RESULT_SUCCESS,
	.result_failure = RESULT_FAILURE,
	.result_internalfail = RESULT_FAILURE,
	.deny = FALSE,
	.master = FALSE,
};

const struct setting_parser_info pymailadmin_passdb_setting_parser_info = {
	.name = "pymailadmin_passdb",

	.defines = pymailadmin_passdb_setting_defines,
	.defaults = &pymailadmin_passdb_default_settings,

	.struct_size = sizeof(struct pymailadmin_auth_db_settings),
	.pool_offset1 = 1 + offsetof(struct pymailadmin_auth_db_settings, pool),
	.check_func = auth_db_settings_check,
};

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type("userdb_"#name, name, \
				     struct pymailadmin_auth_db_settings)
static const struct setting_define pymailadmin_userdb_setting_defines[] = {
	DEF(STR, name),
	DEF(STR, driver),
	DEF(ENUM, skip),
	DEF(ENUM, result_success),
	DEF(ENUM, result_failure),
	DEF(ENUM, result_internalfail),

	SETTING_DEFINE_LIST_END
};

static const struct pymailadmin_auth_db_settings
pymailadmin_userdb_default_settings = {
	.name = "",
	.driver = "",
	.mechanisms_filter = ARRAY_INIT,
	.username_filter = "",
	.skip = USERDB_SKIP,
	.result_success = RESULT_SUCCESS,
	.result_failure = RESULT_FAILURE,
	.result_internalfail = RESULT_FAILURE,
	.deny = FALSE,
	.master = FALSE,
};

const struct setting_parser_info pymailadmin_userdb_setting_parser_info = {
	.name = "pymailadmin_userdb",

	.defines = pymailadmin_userdb_setting_defines,
	.defaults = &pymailadmin_userdb_default_settings,

	.struct_size = sizeof(struct pymailadmin_auth_db_settings),
	.pool_offset1 = 1 + offsetof(struct pymailadmin_auth_db_settings, pool),
	.check_func = auth_db_settings_check,
};
