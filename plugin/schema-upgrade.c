#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "strnum.h"
#include "sql-client.h"
#include "schema-upgrade.h"

#include <dirent.h>

/* Each has a right that only its account is granted, table by table. Dovecot's
   account may have others, such as reading all its tables. */
#define PLUGIN_TABLE "pymailadmin_heartbeat"
#define ACCOUNTS_OF(table, flag, and) \
	"SELECT DISTINCT GRANTEE," flag " FROM " \
	"information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA=DATABASE() " \
	"AND PRIVILEGE_TYPE='INSERT' AND TABLE_NAME='" table "' " and \
	"ORDER BY 1;"
/* The portal's file takes all rights away. Who has those of Dovecot's account is
   not the portal, and who has any to a whole database is probably an
   administrator. */
#define NOT_PLUGIN "AND GRANTEE NOT IN (SELECT GRANTEE FROM " \
	"information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA=DATABASE() " \
	"AND PRIVILEGE_TYPE='INSERT' AND TABLE_NAME='"PLUGIN_TABLE"') "
#define HAS_MORE \
	"GRANTEE IN (SELECT GRANTEE FROM " \
	"information_schema.SCHEMA_PRIVILEGES) OR GRANTEE IN " \
	"(SELECT GRANTEE FROM information_schema.USER_PRIVILEGES " \
	"WHERE PRIVILEGE_TYPE<>'USAGE')"

/* Lines with an account, a tab, and 1 if it is to be left out. */
static const struct {
	const char *name, *default_account, *query;
} grants[] = {
	{ "grants-plugin.sql", "'dovecot'@'localhost'",
	  ACCOUNTS_OF(PLUGIN_TABLE, "0", "") },
	{ "grants-web.sql", "'pymailadmin_web'@'%'",
	  ACCOUNTS_OF("pymailadmin_session", HAS_MORE, NOT_PLUGIN) },
	/* after grants-web.sql, which takes all away */
	{ "grants-web-domains.sql", "'pymailadmin_web'@'%'",
	  "SELECT DISTINCT CONCAT('''',User,'''@''',Host,''''),0 "
	  "FROM mysql.procs_priv WHERE Db=DATABASE() AND "
	  "Routine_name='pymailadmin_domain_add' ORDER BY 1;" },
};

static int query(const struct sql_client *client, const char *what,
		 const char *statement, const char *const **lines_r,
		 const char **error_r)
{
	string_t *output = t_str_new(1024);
	const char *error;

	if (sql_client_run(client, statement, output, &error) < 0) {
		*error_r = t_strdup_printf("sql(%s) failed: %s", what, error);
		return -1;
	}
	*lines_r = t_strsplit(str_c(output), "\n");
	return 0;
}

static int schema_file_cmp(const struct schema_file *file1,
			   const struct schema_file *file2)
{
	return (int)file1->version - (int)file2->version;
}

/* "0012-name.sql" */
static bool is_numbered(const char *name, unsigned int *version_r)
{
	const char *p;
	size_t len = strlen(name);

	return len > 8 && name[4] == '-' &&
		strcmp(name + len - 4, ".sql") == 0 &&
		str_parse_uint(name, version_r, &p) == 0 && p == name + 4 &&
		*version_r > 0;
}

static int list_files(const char *dir, ARRAY_TYPE(schema_file) *files,
		      const char **error_r)
{
	struct schema_file *file;
	struct dirent *entry;
	unsigned int version;
	DIR *handle = opendir(dir);

	if (handle == NULL) {
		*error_r = t_strdup_printf("opendir(%s) failed: %m", dir);
		return -1;
	}
	while ((errno = 0, entry = readdir(handle)) != NULL) {
		if (!is_numbered(entry->d_name, &version))
			continue;
		file = array_append_space(files);
		file->version = version;
		file->name = t_strdup(entry->d_name);
	}
	if (errno != 0)
		*error_r = t_strdup_printf("readdir(%s) failed: %m", dir);
	else if (array_is_empty(files))
		*error_r = t_strdup_printf("%s has no numbered SQL files", dir);
	else
		*error_r = NULL;
	(void)closedir(handle);
	array_sort(files, schema_file_cmp);
	return *error_r == NULL ? 0 : -1;
}

static bool has_version(const char *const *versions, unsigned int version)
{
	return str_array_find(versions, t_strdup_printf("%u", version));
}

static int plan_numbered(const struct sql_client *client, const char *dir,
			 ARRAY_TYPE(schema_file) *files,
			 unsigned int *version_r, const char **error_r)
{
	const char *const *versions, *const *line;
	const struct schema_file *file;
	unsigned int version, newest, i = 0;

	if (list_files(dir, files, error_r) < 0 ||
	    query(client, "read the versions",
		  "SELECT version FROM pymailadmin_schema_version;", &versions,
		  error_r) < 0)
		return -1;
	*version_r = 0;
	for (line = versions; *line != NULL; line++) {
		if (str_to_uint(*line, &version) == 0)
			*version_r = I_MAX(*version_r, version);
	}
	file = array_back(files);
	newest = file->version;
	if (*version_r > newest) {
		*error_r = t_strdup_printf("the tables of database %s are of "
			"version %u, the files in %s end with version %u: "
			"they belong to an older pymailadmin, and nothing is "
			"loaded", client->database, *version_r, dir, newest);
		return -1;
	}
	array_foreach(files, file) {
		if (!has_version(versions, file->version))
			break;
		i++;
	}
	array_delete(files, 0, i);
	return 0;
}

/* With a quote in a name, what is granted could be another thing. */
static bool is_plain_account(const char *account)
{
	const char *p;
	unsigned int quotes = 0;

	for (p = account; *p != '\0'; p++) {
		if (*p == '\'')
			quotes++;
		else if (*p == '\\' || (unsigned char)*p < ' ')
			return FALSE;
	}
	return quotes == 4;
}

static int plan_grant(const char *line, unsigned int idx,
		      ARRAY_TYPE(schema_file) *files, const char **error_r)
{
	/* is_plain_account() lets no tab pass */
	const char *account = t_strcut(line, '\t');
	struct schema_file *file;

	if (!is_plain_account(account)) {
		*error_r = t_strdup_printf("the account %s has a name that "
			"cannot be put into %s: load it by hand", account,
			grants[idx].name);
		return -1;
	}
	file = array_append_space(files);
	file->name = grants[idx].name;
	file->account = account;
	file->default_account = grants[idx].default_account;
	file->left_out = strcmp(line + strlen(account), "\t1") == 0;
	return 0;
}

/* Asks for all of them first: what is loaded takes rights away. */
static int plan_grants(const struct sql_client *client,
		       ARRAY_TYPE(schema_file) *files, const char **error_r)
{
	const char *const *lines;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(grants); i++) {
		if (query(client, "look for accounts", grants[i].query,
			  &lines, error_r) < 0)
			return -1;
		for (; *lines != NULL && **lines != '\0'; lines++) {
			if (plan_grant(*lines, i, files, error_r) < 0)
				return -1;
		}
	}
	return 0;
}

int schema_upgrade_plan(const struct sql_client *client, const char *dir,
			ARRAY_TYPE(schema_file) *files,
			unsigned int *version_r, const char **error_r)
{
	return plan_numbered(client, dir, files, version_r, error_r) < 0 ?
		-1 : plan_grants(client, files, error_r);
}

static int read_file(const char *path, string_t *text, const char **error_r)
{
	struct istream *input = i_stream_create_file(path, 16*1024);
	const unsigned char *data;
	size_t size;
	int ret = 0;

	while (i_stream_read_more(input, &data, &size) > 0) {
		str_append_data(text, data, size);
		i_stream_skip(input, size);
	}
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path,
					   i_stream_get_error(input));
		ret = -1;
	}
	i_stream_destroy(&input);
	return ret;
}

/* Lines stay where they are, for what the server says of them. */
static const char *with_account(const char *text,
				const struct schema_file *file)
{
	string_t *out = t_str_new(strlen(text) + 256);
	const char *found;

	while ((found = strstr(text, file->default_account)) != NULL) {
		str_append_data(out, text, found - text);
		str_append(out, file->account);
		text = found + strlen(file->default_account);
	}
	str_append(out, text);
	return str_c(out);
}

int schema_upgrade_load(const struct sql_client *client, const char *dir,
			const struct schema_file *file, const char **error_r)
{
	const char *path = t_strdup_printf("%s/%s", dir, file->name);
	const char *error;
	string_t *text = t_str_new(16*1024);

	if (read_file(path, text, error_r) < 0)
		return -1;
	if (sql_client_run(client, file->account == NULL ? str_c(text) :
			   with_account(str_c(text), file),
			   t_str_new(256), &error) < 0) {
		*error_r = t_strdup_printf("load(%s%s%s) failed: %s", path,
			file->account == NULL ? "" : " for ",
			file->account == NULL ? "" : file->account, error);
		return -1;
	}
	return 0;
}

bool schema_upgrade_check_mapping(const struct sql_client *client,
				  const char **error_r)
{
	return sql_client_run(client, "CALL pymailadmin_mapping_check();",
			      t_str_new(256), error_r) == 0;
}
