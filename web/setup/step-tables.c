#include "setup-private.h"
#include "arena.h"

#include <glob.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define WEB_USER "pymailadmin_web"
#define PASSWORD_BYTES 24
#define SHA1_SIZE 20

#define USER_CHARACTERS "abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* user@host; what needs no escape, as it goes into statements. */
static bool is_account(const char *text)
{
	const size_t size = strspn(text, USER_CHARACTERS);
	const char *host = text + size + 1;

	return size > 0 && size <= 80 && text[size] == '@' &&
		host[0] != '\0' && strlen(host) <= 255 &&
		host[strspn(host, USER_CHARACTERS "%:/")] == '\0';
}

static const char *quote_account(struct arena *arena, const char *text)
{
	const char *at = strchr(text, '@');

	return arena_printf(arena, "'%.*s'@'%s'", (int)(at - text), text,
			    at + 1);
}

static const char *check_web_account(void *context, const char *answer)
{
	return is_account(answer) ? NULL :
		setup_text((struct setup *)context, MSG_setup_wrong_account);
}

static const char *check_dovecot_account(void *context, const char *answer)
{
	struct setup *setup = context;
	const char *at = strchr(answer, '@'), *value, *error;
	struct arena *arena = setup->arena;

	if (!is_account(answer))
		return setup_text(setup, MSG_setup_wrong_account);
	if (setup_query_value(setup, arena_printf(arena,
			"SELECT 1 FROM mysql.global_priv "
			"WHERE User='%.*s' AND Host='%s'",
			(int)(at - answer), answer, at + 1), &value,
			&error) < 0)
		return error;
	return value != NULL ? NULL :
		setup_text(setup, MSG_setup_wrong_no_account);
}

/* From where the portal will come, as MariaDB sees it. */
static const char *default_host(const struct setup *setup)
{
	if (setup->admin.socket != NULL)
		return "localhost";
	return setup_is_elsewhere(setup) ? "%" : "127.0.0.1";
}

int setup_tables_ask(struct setup *setup, const char **error_r)
{
	const char *account;

	(void)error_r;
	setup_say(setup, MSG_setup_tables_about);
	account = dialog_ask(&setup->dialog,
			     setup_text(setup, MSG_setup_ask_web_account),
			     arena_printf(setup->arena, "%s@%s",
				setup_get(setup, "database_user", WEB_USER),
				default_host(setup)),
			     check_web_account, setup);
	if (account == NULL)
		return 0;
	setup->web_account = quote_account(setup->arena, account);
	setup_set(setup, "database_user", arena_strndup(setup->arena, account,
			strcspn(account, "@")));
	account = setup_ask_optional(setup,
		setup_text(setup, MSG_setup_ask_dovecot_account),
		"dovecot@localhost", check_dovecot_account, setup);
	if (account == NULL)
		return 0;
	setup->dovecot_account = account[0] == '\0' ? NULL :
		quote_account(setup->arena, account);
	return 1;
}

static bool is_loaded(const struct db_rows *versions, unsigned long version)
{
	size_t i;

	for (i = 0; i < versions->count; i++) {
		if (strtoul(db_value_text(&versions->rows[i].values[0]), NULL,
			    10) == version)
			return true;
	}
	return false;
}

static int read_versions(struct setup *setup, struct db_rows *versions_r,
			 const char **error_r)
{
	const char *table;

	*versions_r = (struct db_rows){ NULL, 0, 0 };
	if (setup_query_value(setup, "SELECT 1 FROM information_schema.TABLES "
			      "WHERE TABLE_SCHEMA=DATABASE() AND "
			      "TABLE_NAME='pymailadmin_schema_version'",
			      &table, error_r) < 0)
		return -1;
	return table == NULL ? 0 :
		db_admin_run(setup->db, setup->arena, "SELECT version FROM "
			     "pymailadmin_schema_version", versions_r,
			     error_r);
}

static int load_file(struct setup *setup, const char *name, const char *word,
		     const char *other, const char **error_r)
{
	const char *text;

	if (setup_read_data(setup->arena, arena_printf(setup->arena, "sql/%s",
			name), &text, error_r) < 0 ||
	    setup_run_script(setup, text, word, other, error_r) < 0)
		return -1;
	setup_say(setup, MSG_setup_loaded, LANGUAGE_TEXT("name", name));
	return 0;
}

/* In their order, from the first that has not been loaded: a later one may
   replace what an earlier one brings. */
static int load_numbered(struct setup *setup, const char **error_r)
{
	struct db_rows versions;
	bool missing = false;
	glob_t found;
	size_t i;
	int ret = 0;

	if (read_versions(setup, &versions, error_r) < 0)
		return -1;
	if (glob(SETUP_DATA_DIR "/sql/[0-9]*.sql", 0, NULL, &found) != 0) {
		*error_r = "glob(" SETUP_DATA_DIR "/sql) failed: no files";
		return -1;
	}
	for (i = 0; i < found.gl_pathc && ret == 0; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;

		if (!is_loaded(&versions, strtoul(name, NULL, 10)))
			missing = true;
		if (missing)
			ret = load_file(setup, name, NULL, NULL, error_r);
		else
			setup_say(setup, MSG_setup_loaded_before,
				  LANGUAGE_TEXT("name", name));
	}
	globfree(&found);
	return ret;
}

/* As MariaDB stores it: no statement then has the password itself. */
static int hash_password(const char *password, char hash_r[2 * SHA1_SIZE + 2])
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char digest[SHA1_SIZE];
	unsigned int i;
	bool ok;

	ok = EVP_Digest(password, strlen(password), digest, NULL, EVP_sha1(),
			NULL) == 1 &&
		EVP_Digest(digest, sizeof(digest), digest, NULL, EVP_sha1(),
			   NULL) == 1;
	*hash_r++ = '*';
	for (i = 0; i < SHA1_SIZE; i++) {
		*hash_r++ = digits[digest[i] >> 4];
		*hash_r++ = digits[digest[i] & 15];
	}
	*hash_r = '\0';
	OPENSSL_cleanse(digest, sizeof(digest));
	return ok ? 0 : -1;
}

/* Made anew or not: it has the password of the file afterwards. */
static int make_web_account(struct setup *setup, const char **error_r)
{
	static const char *const actions[] = {
		"CREATE USER IF NOT EXISTS", "ALTER USER"
	};
	const bool is_local = !setup_is_elsewhere(setup);
	char hash[2 * SHA1_SIZE + 2];
	const char *password;
	unsigned int i;

	if (setup_make_secret(setup, "database_password_file",
			      "web-database.password", PASSWORD_BYTES,
			      &password, error_r) < 0)
		return -1;
	setup_set(setup, "database_password", NULL);
	if (hash_password(password, hash) < 0) {
		*error_r = "EVP_Digest() failed";
		return -1;
	}
	for (i = 0; i < 2; i++) {
		if (db_admin_run(setup->db, setup->arena,
				 arena_printf(setup->arena, "%s %s IDENTIFIED "
					"VIA mysql_native_password USING '%s'"
					"%s", actions[i], setup->web_account,
					hash, is_local ? "" : " REQUIRE SSL"),
				 NULL, error_r) < 0)
			return -1;
	}
	return 0;
}

int setup_tables_apply(struct setup *setup, const char **error_r)
{
	if (load_numbered(setup, error_r) < 0 ||
	    make_web_account(setup, error_r) < 0 ||
	    load_file(setup, "grants-web.sql", "'pymailadmin_web'@'%'",
		      setup->web_account, error_r) < 0)
		return -1;
	if (setup->dovecot_account != NULL &&
	    load_file(setup, "grants-plugin.sql", "'dovecot'@'localhost'",
		      setup->dovecot_account, error_r) < 0)
		return -1;
	return 1;
}
