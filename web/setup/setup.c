#include "setup.h"
#include "setup-private.h"
#include "arena.h"
#include "mail-send.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#define GROUP "pymailadmin-web"

/* The super admin is made by the last but one: with it the set-up is closed, so
   that until then it can be begun again. */
static const struct setup_step steps[] = {
	{ MSG_setup_title_database, setup_database_ask, setup_database_apply },
	{ MSG_setup_title_mapping, setup_mapping_ask, setup_mapping_apply },
	{ MSG_setup_title_tables, setup_tables_ask, setup_tables_apply },
	{ MSG_setup_title_portal, setup_portal_ask, NULL },
	{ MSG_setup_title_seal, setup_seal_ask, NULL },
	{ MSG_setup_title_hash, setup_hash_ask, NULL },
	{ MSG_setup_title_admin, setup_admin_ask, NULL },
	{ MSG_setup_title_mail, setup_mail_ask, setup_mail_apply },
	{ MSG_setup_title_finish, setup_finish_ask, setup_finish_apply },
	{ MSG_setup_title_dovecot, setup_dovecot_ask, NULL },
};
static const unsigned int steps_count = sizeof(steps) / sizeof(steps[0]);

static const char *check_language(void *context, const char *answer)
{
	(void)context;
	return language_find(answer) == NULL ? "en, fr" : NULL;
}

/* Before there is a language, in all of them. */
static bool ask_language(struct setup *setup)
{
	const char *locale = getenv("LANG"), *answer;

	setup->dialog.language = &languages[0];
	answer = dialog_ask(&setup->dialog, "Language / Langue (en, fr)",
			    locale != NULL &&
			    strncmp(locale, "fr", 2) == 0 ? "fr" : "en",
			    check_language, NULL);
	if (answer == NULL)
		return false;
	setup->dialog.language = language_find(answer);
	setup_set(setup, "default_language", answer);
	setup_say(setup, MSG_setup_welcome);
	return true;
}

/* Returns 1, 0 or -1, as a part does. */
static int run_step(struct setup *setup, const struct setup_step *step,
		    const char **error_r)
{
	int ret = step->ask(setup, error_r);

	if (ret > 0 && step->apply != NULL)
		ret = step->apply(setup, error_r);
	return ret;
}

/* After an error. A program's answers to the step have been read. */
static bool is_to_try_again(struct setup *setup)
{
	bool again = false;

	if (!setup->dialog.is_terminal) {
		setup->status = EX_UNAVAILABLE;
		return false;
	}
	if (!dialog_ask_yes(&setup->dialog,
			    setup_text(setup, MSG_setup_ask_again), true,
			    &again))
		return false;
	if (!again)
		setup->status = EX_UNAVAILABLE;
	return again;
}

static bool run_steps(struct setup *setup)
{
	const char *error = NULL;
	unsigned int i;
	int ret;

	for (i = 0; i < steps_count; i++) {
		dialog_print(arena_printf(setup->arena,
			"\n%u/%u  %s\n", i + 1, steps_count,
			setup_text(setup, steps[i].title)));
		while ((ret = run_step(setup, &steps[i], &error)) < 0) {
			setup_say(setup, MSG_setup_failed,
				  LANGUAGE_TEXT("reason", error));
			if (!is_to_try_again(setup))
				break;
		}
		if (ret <= 0)
			return false;
	}
	return true;
}

static int status_of(const struct setup *setup)
{
	if (setup->status != 0)
		return setup->status;
	return setup->dialog.end == DIALOG_WRONG ? EX_DATAERR : EX_NOINPUT;
}

static bool prepare(struct setup *setup, const char **error_r)
{
	const char *slash = strrchr(setup->config_path, '/');
	const struct group *group = getgrnam(GROUP);

	if (geteuid() != 0) {
		*error_r = "only root can do this";
	} else if (setup->config_path[0] != '/') {
		*error_r = "the settings file is not a path from the root";
	} else if (group == NULL) {
		*error_r = "there is no group " GROUP ": run systemd-sysusers";
	} else {
		setup->folder = arena_strndup(setup->arena, setup->config_path,
			(size_t)(slash - setup->config_path));
		setup->group = group->gr_gid;
		return setup_read_file(setup->arena, setup->config_path,
				       &setup->config, error_r) == 0;
	}
	return false;
}

int setup_run(const char *config_path)
{
	struct arena *arena = arena_create();
	struct setup *setup = arena_new(arena, struct setup, 1);
	const char *error = "curl_global_init()";
	int status = EX_OK;

	setup->arena = arena;
	setup->config_path = config_path;
	dialog_init(&setup->dialog, arena);
	if (mail_send_init() < 0 || !prepare(setup, &error)) {
		fprintf(stderr, "setup(%s) failed: %s\n", config_path, error);
		status = EX_NOPERM;
	} else if (!ask_language(setup) || !run_steps(setup)) {
		status = status_of(setup);
		if (status != EX_NOPERM)
			setup_say(setup, MSG_setup_ended);
	}
	db_admin_close(&setup->db);
	db_deinit();
	mail_send_deinit();
	arena_free(&arena);
	return status;
}
