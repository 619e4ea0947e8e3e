#include "setup-private.h"
#include "arena.h"
#include "names.h"
#include "password-rules.h"

#include <string.h>

#define PASSWORD_MIN 12
#define PASSWORD_MIN_SCORE 3
#define PASSWORD_BYTES 512

static const char *check_email(void *context, const char *answer)
{
	struct setup *setup = context;
	const char *value, *error;

	if (!address_is_email(answer))
		return setup_text(setup, MSG_wrong_email);
	if (setup_query_value(setup, arena_printf(setup->arena,
			"SELECT 1 FROM pymailadmin_account WHERE email=%s",
			db_admin_quote(setup->db, setup->arena, answer)),
			&value, &error) < 0)
		return error;
	return value == NULL ? NULL :
		setup_text(setup, MSG_wrong_account_exists);
}

/* As for any account of the portal, whatever an old settings file says. */
static const char *check_password(void *context, const char *answer)
{
	static const struct password_rules rules = {
		.min_chars = PASSWORD_MIN, .max_bytes = PASSWORD_BYTES,
		.min_score = PASSWORD_MIN_SCORE,
	};
	struct setup *setup = context;
	struct password_strength strength;

	switch (password_rules_check(&rules, answer, setup->email,
				     setup_get(setup, "product_name",
					       "pymailadmin"), &strength)) {
	case PASSWORD_OK:
		return NULL;
	case PASSWORD_TOO_SHORT:
		return setup_text(setup, MSG_wrong_password_short,
				  LANGUAGE_NUMBER("min", PASSWORD_MIN));
	case PASSWORD_TOO_LONG:
	case PASSWORD_TOO_MANY_BYTES:
		return setup_text(setup, MSG_wrong_password_long,
				  LANGUAGE_NUMBER("max", PASSWORD_CHARS_MAX));
	case PASSWORD_NOT_UTF8:
	case PASSWORD_CONTROL_CHARACTER:
		return setup_text(setup, MSG_wrong_password_control);
	case PASSWORD_TOO_WEAK:
		break;
	}
	return setup_text(setup, MSG_wrong_password_weak);
}

struct repeat {
	struct setup *setup;
	const char *password;
};

static const char *check_repeat(void *context, const char *answer)
{
	const struct repeat *repeat = context;

	return strcmp(answer, repeat->password) == 0 ? NULL :
		setup_text(repeat->setup, MSG_wrong_repeat);
}

/* It is hashed at once; the account is made by the last step. */
int setup_admin_ask(struct setup *setup, const char **error_r)
{
	struct repeat repeat = { .setup = setup };
	const char *again;
	bool hashed;

	setup_say(setup, MSG_setup_admin_about);
	setup->email = dialog_ask(&setup->dialog,
				  setup_text(setup, MSG_setup_ask_email), NULL,
				  check_email, setup);
	if (setup->email == NULL)
		return 0;
	repeat.password = dialog_ask_secret(&setup->dialog,
		setup_text(setup, MSG_setup_ask_password), check_password,
		setup);
	if (repeat.password == NULL)
		return 0;
	again = dialog_ask_secret(&setup->dialog,
				  setup_text(setup, MSG_setup_ask_repeat),
				  check_repeat, &repeat);
	hashed = again != NULL &&
		portal_password_hash(repeat.password, setup->hash);
	dialog_forget(repeat.password);
	if (again == NULL)
		return 0;
	dialog_forget(again);
	if (hashed)
		return 1;
	*error_r = "argon2id failed: out of memory";
	return -1;
}
