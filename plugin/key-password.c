#include "lib.h"
#include "safe-memset.h"
#include "str.h"
#include "var-expand.h"
#include "pymailadmin-settings.h"
#include "key-password.h"

/* What var_expand() needs at most of the data stack, and leaves there. */
#define STACK_WIPE_SIZE (16*1024)
/* In pieces: one that is too long would get memory of its own. */
#define STACK_WIPE_STEP 64

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
	const char *error = NULL;
	int ret;

	T_BEGIN {
		ret = derive(set->pymailadmin_key_password, username,
			     login_password, dest, &error);
	} T_END_PASS_STR_IF(ret < 0, &error);
	/* what var_expand() left behind, from where it began */
	T_BEGIN {
		unsigned char *p;
		unsigned int i;

		for (i = 0; i < STACK_WIPE_SIZE / STACK_WIPE_STEP; i++) {
			p = t_malloc_no0(STACK_WIPE_STEP);
			safe_memset(p, 0, STACK_WIPE_STEP);
		}
	} T_END;
	if (ret < 0) {
		*error_r = t_strdup_printf("pymailadmin_key_password: %s",
					   error);
		return -1;
	}
	if (str_len(dest) == used) {
		*error_r = "pymailadmin_key_password: it comes out empty";
		return -1;
	}
	return 0;
}
