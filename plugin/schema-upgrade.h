#ifndef SCHEMA_UPGRADE_H
#define SCHEMA_UPGRADE_H

/* Which files of sql/ are to be loaded into a database that has pymailadmin's
   tables, in which order. */

struct sql_client;

struct schema_file {
	/* As pymailadmin_schema_version counts them; 0: of rights. */
	unsigned int version;
	const char *name;
	/* Whose rights it is about, 'user'@'host', and how the file itself
	   calls them; NULL for numbered ones. */
	const char *account, *default_account;
	/* The account has rights to a whole database, which would be taken
	   away: not to be loaded. */
	bool left_out;
};
ARRAY_DEFINE_TYPE(schema_file, struct schema_file);

/* From the first numbered file of the directory that the database does not
   have on, all of them: a later one may replace what an earlier one brings.
   Then, always, those of the accounts that have rights already. Returns 0, or
   -1 also if the tables are not there, or newer than the files. */
int schema_upgrade_plan(const struct sql_client *client, const char *dir,
			ARRAY_TYPE(schema_file) *files,
			unsigned int *version_r, const char **error_r);
/* Loads one. Loading it again is harmless. */
int schema_upgrade_load(const struct sql_client *client, const char *dir,
			const struct schema_file *file, const char **error_r);
/* Has the mapping (views-*.sql) all the procedures it should have? Else what
   it lacks. */
bool schema_upgrade_check_mapping(const struct sql_client *client,
				 const char **error_r);

#endif
