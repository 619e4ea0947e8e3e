#include "web-test.h"

#include "config-text.h"
#include "mapping.h"
#include "sql-script.h"

#include <stdbool.h>

/* ---- statements of a file */

static const struct {
	const char *text;
	/* Up to the first NULL. */
	const char *statements[5];
} scripts[] = {
	{ "", { NULL } },
	{ " \n\n", { NULL } },
	{ "-- only a comment", { NULL } },
	{ ";;\n;", { NULL } },
	{ "SELECT 1", { "SELECT 1" } },
	{ "SELECT 1;", { "SELECT 1" } },
	{ "a;b;\n\n c ;", { "a", "b", "c" } },
	{ "a;;b", { "a", "b" } },
	{ "-- x; y\na;", { "a" } },
	{ "a -- x; y\nb; c", { "a -- x; y\nb", "c" } },
	{ "a--b;c", { "a--b", "c" } },
	{ "# x;\na # y;\n;", { "a # y;" } },
	{ "/* x; */ a /* y; */ b;", { "a /* y; */ b" } },
	{ "/*!40101 SET x=1; */;", { "/*!40101 SET x=1", "*/" } },
	{ "a /* never; ended", { "a /* never; ended" } },
	{ "a ';' b; \";\"; `;`;", { "a ';' b", "\";\"", "`;`" } },
	{ "'it''s; fine'; 'it\\'s; too';", { "'it''s; fine'",
					      "'it\\'s; too'" } },
	{ "`\\`; b", { "`\\`", "b" } },
	{ "'never; ended", { "'never; ended" } },
	{ "'-- no comment; '; b", { "'-- no comment; '", "b" } },
	{ "DELIMITER $$\na; b $$\nc $$\nDELIMITER ;\nd; e;",
	  { "a; b", "c", "d", "e" } },
	{ "delimiter //\na; // b", { "a;", "b" } },
	{ "DELIMITER   $$  \na;$$", { "a;" } },
	{ "DELIMITER $$\na $ b; c $$", { "a $ b; c" } },
	{ "a\nDELIMITER x", { "a\nDELIMITER x" } },
	{ "DELIMITERS;", { "DELIMITERS" } },
	{ "DELIMITER", { "DELIMITER" } },
	{ "DELIMITER muchtoolong\na;", { "a" } },
};

static void test_scripts(void **state)
{
	struct sql_script script;
	const char *statement;
	size_t i, j;

	for (i = 0; i < N_ELEMENTS(scripts); i++) {
		sql_script_init(&script, scripts[i].text);
		for (j = 0; scripts[i].statements[j] != NULL; j++) {
			assert_true(sql_script_next(&script, *state,
						    &statement));
			assert_string_equal(statement,
					    scripts[i].statements[j]);
		}
		assert_false(sql_script_next(&script, *state, &statement));
		assert_false(sql_script_next(&script, *state, &statement));
	}
}

/* ---- mappings */

#define COLUMN(table, name) { table, name, "varchar", "utf8mb4" }
#define INTEGER(table, name) { table, name, "bigint", "" }

static const struct mapping_column ispmail[] = {
	INTEGER("virtual_domains", "id"), COLUMN("virtual_domains", "name"),
	INTEGER("virtual_users", "id"), INTEGER("virtual_users", "domain_id"),
	COLUMN("virtual_users", "password"), COLUMN("virtual_users", "email"),
	INTEGER("virtual_aliases", "id"),
	INTEGER("virtual_aliases", "domain_id"),
	COLUMN("virtual_aliases", "source"),
	COLUMN("virtual_aliases", "destination"),
	/* last, so that it can be left out */
	INTEGER("virtual_users", "quota"),
};

static const struct mapping_column others[] = {
	COLUMN("admins", "name"),
	COLUMN("mail_accounts", "login"), COLUMN("mail_accounts", "passwd"),
	INTEGER("mail_accounts", "user_id"), INTEGER("mail_accounts", "domain"),
	INTEGER("mail_accounts", "enabled"),
	COLUMN("mail_domain_admins", "domain_name"),
	INTEGER("mail_domains", "domain_id"),
	COLUMN("mail_domains", "domain_name"),
	COLUMN("mail_forwards", "alias"), COLUMN("mail_forwards", "target"),
	INTEGER("mail_forwards", "alias_id"),
	INTEGER("mail_forwards", "domain_id"),
};

static void test_recognised(void **state)
{
	struct mapping_columns columns = { ispmail, N_ELEMENTS(ispmail) };
	struct mapping mapping;

	(void)state;
	assert_true(mapping_recognise(&columns, &mapping));
	assert_string_equal(mapping.title, "ISPmail");
	assert_string_equal(mapping.file, "views-ispmail.sql");
	assert_string_equal(mapping.names[MAPPING_MAILBOX_QUOTA], "quota");
	/* an older one */
	columns.count--;
	assert_true(mapping_recognise(&columns, &mapping));
	assert_null(mapping.file);
	assert_null(mapping.names[MAPPING_MAILBOX_QUOTA]);
	/* what lacks a column is none */
	columns.count--;
	assert_false(mapping_recognise(&columns, &mapping));
	columns = (struct mapping_columns){ others, N_ELEMENTS(others) };
	assert_false(mapping_recognise(&columns, &mapping));
	assert_false(mapping_recognise(&(struct mapping_columns){ NULL, 0 },
				       &mapping));
}

static void test_proposed(void **state)
{
	static const char *const expected[MAPPING_NAME_COUNT] = {
		"mail_domains", "domain_id", "domain_name",
		"mail_accounts", "user_id", "domain", "login", "passwd", NULL,
		"enabled",
		"mail_forwards", "alias_id", "domain_id", "alias", "target",
	};
	const struct mapping_columns columns = { others, N_ELEMENTS(others) };
	struct mapping mapping = { .title = "" };
	unsigned int i;

	(void)state;
	for (i = 0; i < MAPPING_NAME_COUNT; i++) {
		mapping.names[i] = mapping_propose(&columns, &mapping,
						   (enum mapping_name)i);
		if (expected[i] == NULL)
			assert_null(mapping.names[i]);
		else
			assert_string_equal(mapping.names[i], expected[i]);
	}
}

static void test_written_down(void **state)
{
	struct mapping mapping = { .names = {
		"do`main", "id", "name", "users", "id", "domain_id", "email",
		"hash", "quota", "active", "alias", "id", "domain_id", "from",
		"to" } };
	const char *sql = mapping_sql(*state, &mapping);

	assert_non_null(strstr(sql, "\tFROM `do``main` AS v;"));
	assert_non_null(strstr(sql, "\tSELECT v.`id` AS id,\n"
			       "\t\tv.`name` AS name\n"));
	assert_non_null(strstr(sql, "v.`quota` AS quota,\n"
			       "\t\tv.`active` AS active\n"));
	assert_non_null(strstr(sql, "INSERT INTO `users` (`domain_id`, "
			       "`email`, `hash`, `quota`, `active`)\n"));
	assert_non_null(strstr(sql, "p_password, p_quota, 0\n"));
	assert_non_null(strstr(sql, "INSERT INTO `alias` (`domain_id`, "
			       "`from`, `to`)\n"));
	assert_null(strpbrk(sql, "[|]{}"));
	assert_null(strstr(sql, "CONVERT"));

	mapping.names[MAPPING_MAILBOX_QUOTA] = NULL;
	mapping.names[MAPPING_MAILBOX_ACTIVE] = NULL;
	mapping.converts = true;
	sql = mapping_sql(*state, &mapping);
	assert_non_null(strstr(sql, "\t\t0 AS quota,\n\t\t1 AS active\n"));
	assert_non_null(strstr(sql, "(`domain_id`, `email`, `hash`)\n"));
	assert_non_null(strstr(sql, "p_address, p_password\n"));
	assert_non_null(strstr(sql, "\tSET p_address = NULL $$"));
	assert_non_null(strstr(sql, "CONVERT(v.`email` USING utf8mb4) AS "
			       "address,\n"));
	/* what is updated cannot be converted */
	assert_non_null(strstr(sql, "\t\tv.`from` AS source,\n"));
}

/* ---- the settings file */

static const struct {
	const char *text, *key, *value, *result;
} edits[] = {
	{ "", "a", "1", "a = 1\n" },
	{ "a = 0\n", "a", "1", "a = 1\n" },
	{ "a = 0", "a", "1", "a = 1\n" },
	{ "b = 0", "a", "1", "b = 0\na = 1\n" },
	{ "x = 0\na=0\ny = 0\n", "a", "1", "x = 0\na = 1\ny = 0\n" },
	{ "# text\n#a = 0\n# more\n", "a", "1", "# text\na = 1\n# more\n" },
	{ "#a = 0\na = 2\n", "a", "1", "#a = 0\na = 1\n" },
	{ "ab = 0\n", "a", "1", "ab = 0\na = 1\n" },
	{ "# a = 0 is a comment\n", "a", "1",
	  "# a = 0 is a comment\na = 1\n" },
	{ "a = 1\n\t2\n  3\nb = 0\n", "a", "4", "a = 4\nb = 0\n" },
	{ "#a = 1\n#\t2\n# text\n", "a", "4", "a = 4\n# text\n" },
	{ "a = 1\n\t2\nb = 0\n", "a", NULL, "#a = 1\n#\t2\nb = 0\n" },
	{ "b = 0\n", "a", NULL, "b = 0\n" },
	{ "a = 1\n", "a", "", "a = \n" },
};

static void test_config_text(void **state)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS(edits); i++)
		assert_string_equal(config_text_set(*state, edits[i].text,
			edits[i].key, edits[i].value), edits[i].result);
	assert_string_equal(config_text_get(*state, "#a = 0\na =  x y \nb = z",
					    "a"), "x y");
	assert_string_equal(config_text_get(*state, "a=\nb = z", "a"), "");
	assert_string_equal(config_text_get(*state, "a=\nb = z", "b"), "z");
	assert_null(config_text_get(*state, "#a = 0\n", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(test_scripts),
		arena_test(test_recognised),
		arena_test(test_proposed),
		arena_test(test_written_down),
		arena_test(test_config_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
