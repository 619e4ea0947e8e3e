#include "setup-private.h"
#include "arena.h"
#include "config-text.h"
#include "housekeeping.h"
#include "settings.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define EXAMPLE "web/pymailadmin-web.conf.example"

static void add_error(void *context, const char *text)
{
	(void)context;
	dialog_print(text);
}

static int write_config(struct setup *setup, const char **error_r)
{
	const char *text = setup->config;
	unsigned int i;

	if (text == NULL &&
	    setup_read_data(setup->arena, EXAMPLE, &text, error_r) < 0)
		return -1;
	for (i = 0; i < setup->values_count; i++)
		text = config_text_set(setup->arena, text,
				       setup->values[i].key,
				       setup->values[i].value);
	if (setup_write_file(setup, setup->config_path, text,
			     setup->config != NULL &&
			     strcmp(setup->config, text) != 0, error_r) < 0)
		return -1;
	setup_say(setup, MSG_setup_config_written,
		  LANGUAGE_TEXT("path", setup->config_path));
	setup->config = text;
	return 0;
}

/* As the portal will: with its settings, its account, its rights. */
static int check_portal(struct setup *setup, const char **error_r)
{
	struct settings *set = settings_read(setup->config_path, add_error,
					     NULL);
	struct db_settings *db_set = arena_new(setup->arena,
					       struct db_settings, 1);
	int ret;

	if (set == NULL) {
		*error_r = setup_text(setup, MSG_setup_config_wrong);
		return -1;
	}
	db_deinit();
	db_settings_init(db_set, set);
	ret = schema_check(db_get(db_set), setup->arena, error_r);
	db_deinit();
	settings_free(&set);
	return ret > 0 ? 0 : -1;
}

/* Only if there is still none: the rows that say so stay locked. */
static int insert(struct setup *setup, const char **error_r)
{
	const char *const account[] = {
		setup->email, setup->hash, setup->dialog.language->code
	};
	const char *const event[] = { setup->email };

	if (db_admin_execute(setup->db, setup->arena,
		"INSERT INTO pymailadmin_account (email,password,role,language)"
		" SELECT ?,?,'super_admin',? FROM DUAL WHERE NOT EXISTS ("
		"SELECT 1 FROM pymailadmin_account WHERE role='super_admin' "
		"FOR UPDATE)", account, 3, error_r) < 0)
		return -1;
	if (db_admin_affected(setup->db) == 0)
		return 0;
	return db_admin_execute(setup->db, setup->arena,
		"INSERT INTO pymailadmin_event (actor,kind) VALUES "
		"(?,'setup-done')", event, 1, error_r) < 0 ? -1 : 1;
}

static int make_super_admin(struct setup *setup, const char **error_r)
{
	const char *ignored;
	int ret;

	if (db_admin_run(setup->db, setup->arena, "START TRANSACTION", NULL,
			 error_r) < 0)
		return -1;
	ret = insert(setup, error_r);
	if (ret <= 0)
		(void)db_admin_run(setup->db, setup->arena, "ROLLBACK", NULL,
				   &ignored);
	else if (db_admin_run(setup->db, setup->arena, "COMMIT", NULL,
			      error_r) < 0)
		ret = -1;
	if (ret == 0) {
		setup_say(setup, MSG_setup_refused);
		setup->status = EX_NOPERM;
	}
	return ret;
}

int setup_finish_ask(struct setup *setup, const char **error_r)
{
	bool go = false;

	(void)error_r;
	if (!dialog_ask_yes(&setup->dialog,
			    setup_text(setup, MSG_setup_ask_finish,
				LANGUAGE_TEXT("path", setup->config_path),
				LANGUAGE_TEXT("email", setup->email)), true,
			    &go))
		return 0;
	if (!go)
		setup->status = EX_TEMPFAIL;
	return go ? 1 : 0;
}

int setup_finish_apply(struct setup *setup, const char **error_r)
{
	const char *key;
	int ret;

	if (setup_make_secret(setup, "secret_key_file", "web-secret.key", 32,
			      &key, error_r) < 0 ||
	    write_config(setup, error_r) < 0 ||
	    check_portal(setup, error_r) < 0)
		return -1;
	ret = make_super_admin(setup, error_r);
	if (ret > 0)
		setup_say(setup, MSG_setup_admin_made,
			  LANGUAGE_TEXT("email", setup->email));
	return ret;
}
