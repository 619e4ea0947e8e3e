#include "lib.h"
#include "safe-memset.h"
#include "str.h"
#include "var-expand.h"
#include "pymailadmin-settings.h"
#include "key-password.h"

/* What var_expand() needs at most of the data stack, and leaves there. */
#define STACK_WIPE_SIZE (16*1024)

static int derive(const char *template, const char *username,
		  const char *login_password, string_t *dest,
		  const char **error_r)
{
	const struct var_expand_table table[] = {
		{ .key = "user", .value = username },
		{ .key = "password", .value = login_password },
		VAR_EXPAND_TABLE_END
	};
	const struct var_expand_params params = { .table = table };

	return var_expand(dest, template, &params, error_r);
}

int key_password_derive(const struct pymailadmin_settings *set,
			const char *username, const char *login_password,
			string_t *dest, const char **error_r)
{
	size_t used = str_len(dest);
	const char *error;
	int ret;

	T_BEGIN {
		ret = derive(set->pymailadmin_key_password, username,
			     login_password, dest, &error);
	} T_END_PASS_STR_IF(ret < 0, &error);
	if (ret < 0) {
		*error_r = t_strdup_printf("pymailadmin_key_password: %s",
					   error);
		return -1;
	}
	T_BEGIN {
		safe_memset(t_buffer_get(STACK_WIPE_SIZE), 0, STACK_WIPE_SIZE);
	} T_END;
	if (str_len(dest) == used) {
		*error_r = "pymailadmin_key_password: it comes out empty";
		return -1;
	}
	return 0;
}
