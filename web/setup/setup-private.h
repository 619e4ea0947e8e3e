#ifndef SETUP_PRIVATE_H
#define SETUP_PRIVATE_H

/* What the steps of the set-up share, and the steps. */

#include "db-admin.h"
#include "dialog.h"
#include "mailbox-hash.h"
#include "mapping.h"
#include "portal-password.h"

#include <stdbool.h>
#include <sys/types.h>

/* What stands for nothing where something is the default. */
#define SETUP_NOTHING "-"
#define SETUP_VALUES_MAX 48

struct setup_value {
	const char *key, *value;
};

struct setup {
	/* Holds all, and is wiped at the end. */
	struct arena *arena;
	struct dialog dialog;
	/* The settings, their folder, and who may read what is in it. */
	const char *config_path, *folder;
	gid_t group;
	/* As it is now; NULL if there is no file. */
	const char *config;
	/* What is to be in it. */
	struct setup_value values[SETUP_VALUES_MAX];
	unsigned int values_count;

	struct db_settings admin;
	struct db_admin *db;
	const char *database;
	struct mapping_columns columns;
	struct mapping mapping;
	/* NULL: the views stay as they are. */
	const char *views;
	/* 'name'@'host' */
	const char *web_account, *dovecot_account;

	/* The first super admin. */
	const char *email;
	char hash[PORTAL_PASSWORD_HASH_SIZE];
	const char *smtp_password;

	/* Why it does not go on: sysexits.h. 0: the dialogue has ended. */
	int status;
};

/* A part of a step. Returns 1, 0 if there is nothing to go on with, or -1 with
   an error, after which the step may be begun again. */
typedef int setup_part_t(struct setup *setup, const char **error_r);

struct setup_step {
	enum message title;
	/* Asks and checks, and changes nothing. */
	setup_part_t *ask;
	/* Does it; may be NULL. */
	setup_part_t *apply;
};

setup_part_t setup_database_ask, setup_database_apply;
setup_part_t setup_mapping_ask, setup_mapping_apply;
setup_part_t setup_tables_ask, setup_tables_apply;
setup_part_t setup_portal_ask;
setup_part_t setup_seal_ask;
setup_part_t setup_admin_ask;
setup_part_t setup_hash_ask;
setup_part_t setup_mail_ask, setup_mail_apply;
setup_part_t setup_finish_ask, setup_finish_apply;
setup_part_t setup_dovecot_ask;

#define setup_text(setup, message, ...) \
	language_text((setup)->arena, (setup)->dialog.language, message \
		      __VA_OPT__(,) __VA_ARGS__)
#define setup_say(setup, message, ...) \
	dialog_say(&(setup)->dialog, message __VA_OPT__(,) __VA_ARGS__)

/* ---- settings (setup-settings.c) */

/* What is to be in the file, or else is in it, or else the default given. */
const char *setup_get(const struct setup *setup, const char *key,
		      const char *value);
/* NULL takes it out of the file. */
void setup_set(struct setup *setup, const char *key, const char *value);
/* NULL, or why it is no value of the setting. */
const char *setup_check(struct setup *setup, const char *key,
			const char *value);
/* Asks for a setting, and sets it. With "nothing", SETUP_NOTHING is an answer,
   which empties it. Returns false if the dialogue has ended. */
bool setup_ask_setting(struct setup *setup, const char *key,
		       const char *question, const char *value, bool nothing);
/* Asks for what may be left out: "" then. NULL if the dialogue has ended. */
const char *setup_ask_optional(struct setup *setup, const char *question,
			       const char *value, dialog_check_t *check,
			       void *context);

/* ---- files (setup-files.c); errors are for the administrator */

/* The whole file; *text_r is NULL if there is none. Returns 0 or -1. */
int setup_read_file(struct arena *arena, const char *path, const char **text_r,
		    const char **error_r);
/* One of sql/ or of web/'s examples, as it was installed. */
int setup_read_data(struct arena *arena, const char *name, const char **text_r,
		    const char **error_r);
/* Puts it in place as a whole, for root and the portal's group alone. What was
   there stays as path.old if keep is set. Returns 0 or -1. */
int setup_write_file(struct setup *setup, const char *path, const char *text,
		     bool keep, const char **error_r);
/* The path of a file of the folder. */
const char *setup_path(struct setup *setup, const char *name);
/* The file of one line that a setting names, made with so many random bytes as
   hex if it is not there. *text_r is what it holds. Returns 0 or -1. */
int setup_make_secret(struct setup *setup, const char *key, const char *name,
		      size_t bytes, const char **text_r, const char **error_r);

/* ---- the database (setup-sql.c) */

/* The database is not on this host. */
bool setup_is_elsewhere(const struct setup *setup);
/* Runs a file's statements, with one word in them replaced by another; word may
   be NULL. Returns 1 or -1. */
int setup_run_script(struct setup *setup, const char *text, const char *word,
		     const char *other, const char **error_r);
/* The one value of a query as a text, NULL if there is none. Returns 1 or
   -1. */
int setup_query_value(struct setup *setup, const char *sql,
		      const char **value_r, const char **error_r);
/* Whether there is a super admin in the database. Returns 1, 0 or -1. */
int setup_has_super_admin(struct setup *setup, const char **error_r);
/* Reads all columns of a database's own tables. Returns 1 or -1. */
int setup_read_columns(struct setup *setup, const char *database,
		       struct mapping_columns *columns_r,
		       const char **error_r);

/* Looks through the views, and writes through them what is taken back again.
   Says what it finds; returns 1 or -1. */
int setup_check_mapping(struct setup *setup, const char **error_r);

/* Logs in to imap:// or imaps://host:port. Returns 1 if the password is right
   there, 0 if it is not, -1 if it cannot be said. */
int setup_imap_login(struct arena *arena, const char *url, const char *ca,
		     const char *user, const char *password,
		     const char **error_r);

#endif
