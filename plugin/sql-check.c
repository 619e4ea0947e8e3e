#include "lib.h"
#include "strnum.h"
#include "sql-api.h"
#include "request-store.h"
#include "sql-run.h"
#include "sql-check.h"

/* No row meets WHERE 0, what selects from DUAL WHERE 0 inserts none, and no
   request has the id ''. The columns are those of views-default.sql, the numbered files and
   grants-plugin.sql. */
static const struct sql_use {
	const char *table, *right, *statement;
} sql_uses[] = {
	{ "pymailadmin_schema_version", "SELECT",
	  "SELECT version FROM pymailadmin_schema_version WHERE 0" },
	{ "pymailadmin_domain", "SELECT",
	  "SELECT id,name FROM pymailadmin_domain WHERE 0" },
	{ "pymailadmin_mailbox", "SELECT",
	  "SELECT id,domain_id,address,password,quota,active "
	  "FROM pymailadmin_mailbox WHERE 0" },
	{ "pymailadmin_mailbox", "UPDATE",
	  "UPDATE pymailadmin_mailbox SET password='' WHERE 0" },
	{ "pymailadmin_create_file", "EXECUTE",
	  "CALL pymailadmin_create_file('','',0,NULL,0,'','')" },
	{ "pymailadmin_create_begin", "EXECUTE",
	  "CALL pymailadmin_create_begin('','','',0)" },
	{ "pymailadmin_create_activate", "EXECUTE",
	  "CALL pymailadmin_create_activate('','','',0)" },
	{ "pymailadmin_create_end", "EXECUTE",
	  "CALL pymailadmin_create_end('','','','','')" },
	{ "pymailadmin_mapping_check", "EXECUTE",
	  "CALL pymailadmin_mapping_check()" },
	{ "pymailadmin_alias", "SELECT",
	  "SELECT id,domain_id,source,destination "
	  "FROM pymailadmin_alias WHERE 0" },
	{ "pymailadmin_request", "SELECT",
	  "SELECT id,kind,address,account_id,state,created_at,sealed,"
	  "claimed_by,lease_until,attempts,retry_at,outcome,reason,"
	  "mails_done,mails_total,bytes_done,bytes_total,storing_since,"
	  "updated_at,ended_at,open_address "
	  "FROM pymailadmin_request WHERE 0" },
	{ "pymailadmin_request", "INSERT",
	  "INSERT INTO pymailadmin_request(id,kind,address,created_at,sealed) "
	  "SELECT '','password','',UTC_TIMESTAMP(),NULL FROM DUAL WHERE 0" },
	{ "pymailadmin_request", "UPDATE",
	  "UPDATE pymailadmin_request SET state='done',sealed=NULL,"
	  "claimed_by=NULL,lease_until=NULL,attempts=0,retry_at=NULL,"
	  "outcome=NULL,reason=NULL,updated_at=UTC_TIMESTAMP(),ended_at=NULL,"
	  "mails_done=0,mails_total=0,bytes_done=0,bytes_total=0,"
	  "storing_since=NULL WHERE 0" },
	{ "pymailadmin_request", "DELETE",
	  "DELETE FROM pymailadmin_request WHERE 0" },
	{ "pymailadmin_request and pymailadmin_mailbox", "UPDATE",
	  "UPDATE pymailadmin_request r,pymailadmin_mailbox m SET "
	  "m.password='',r.state='switched',r.updated_at=UTC_TIMESTAMP() "
	  "WHERE 0 AND r.id='' AND m.address=''" },
	{ "pymailadmin_account_mailbox", "SELECT",
	  "SELECT 1 FROM pymailadmin_account_mailbox WHERE 0" },
	{ "pymailadmin_account_mailbox", "DELETE",
	  "DELETE FROM pymailadmin_account_mailbox WHERE 0" },
	{ "pymailadmin_account", "SELECT",
	  "SELECT id,email,role,active FROM pymailadmin_account WHERE 0" },
	{ "pymailadmin_request", "SELECT",
	  "SELECT home FROM pymailadmin_request WHERE 0" },
	{ "pymailadmin_reserved_address", "SELECT",
	  "SELECT address,reserved_until FROM pymailadmin_reserved_address "
	  "WHERE 0" },
	{ "pymailadmin_reserved_address", "DELETE",
	  "DELETE FROM pymailadmin_reserved_address WHERE 0" },
	{ "pymailadmin_deletion_finish", "EXECUTE",
	  "CALL pymailadmin_deletion_finish('','','',0)" },
	{ "pymailadmin_outbox", "INSERT",
	  "INSERT INTO pymailadmin_outbox(account_id,template,address,args) "
	  "SELECT NULL,'',NULL,NULL FROM DUAL WHERE 0" },
	{ "pymailadmin_event", "SELECT",
	  "SELECT 1 FROM pymailadmin_event WHERE 0" },
	{ "pymailadmin_event", "INSERT",
	  "INSERT INTO pymailadmin_event(actor,address,kind,request_id,text) "
	  "SELECT '',NULL,'',NULL,'' FROM DUAL WHERE 0" },
	{ "pymailadmin_heartbeat", "SELECT",
	  "SELECT host,seal_key_id,version,last_run_at "
	  "FROM pymailadmin_heartbeat WHERE 0" },
	{ "pymailadmin_heartbeat", "INSERT",
	  "INSERT INTO pymailadmin_heartbeat"
	  "(host,seal_key_id,version,last_run_at) "
	  "SELECT '',NULL,'',UTC_TIMESTAMP() FROM DUAL WHERE 0 "
	  "ON DUPLICATE KEY UPDATE version=VALUES(version)" },
};

static int execute(struct sql_db *db, const struct sql_use *use,
		   const char **error_r)
{
	const char *what = t_strdup_printf("%s of %s", use->right, use->table);
	struct sql_statement *stmt = sql_statement_init(db, use->statement);
	const char *value;

	return strcmp(use->right, "SELECT") == 0 ||
		strcmp(use->right, "EXECUTE") == 0 ?
		sql_run_lookup(stmt, what, &value, error_r) :
		sql_run_update(db, stmt, what, error_r);
}

int sql_check_server(struct request_store *store, const char **version_r,
		     const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
				  "SELECT VERSION()");
	return sql_run_lookup(stmt, "ask the server", version_r, error_r) > 0 ?
		0 : -1;
}

bool sql_check_all(struct request_store *store, enum sql_check_fault fault,
		   const char **error_r)
{
	const char *error;
	unsigned int i;
	bool denied;

	for (i = 0; i < N_ELEMENTS(sql_uses); i++) {
		if (execute(request_store_get_db(store), &sql_uses[i],
			    &error) >= 0)
			continue;
		/* lib-sql hands out the server's words only */
		denied = strstr(error, "denied") != NULL;
		if (denied == (fault == SQL_CHECK_DENIED)) {
			*error_r = error;
			return FALSE;
		}
	}
	return TRUE;
}

static int lookup_uint(struct sql_statement *stmt, const char *what,
		       unsigned int *num_r, const char **error_r)
{
	const char *value;
	int ret;

	ret = sql_run_lookup(stmt, what, &value, error_r);
	if (ret > 0 && str_to_uint(value, num_r) < 0)
		return sql_run_failed(what, value, error_r);
	return ret;
}

int sql_check_schema_version(struct request_store *store,
			     unsigned int *version_r, const char **error_r)
{
	return lookup_uint(sql_statement_init(request_store_get_db(store),
		"SELECT MAX(version) FROM pymailadmin_schema_version"),
		"read the version", version_r, error_r);
}

int sql_check_last_run(struct request_store *store, const char *host,
		       unsigned int *secs_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT GREATEST(0,TIMESTAMPDIFF(SECOND,last_run_at,"
		"UTC_TIMESTAMP())) FROM pymailadmin_heartbeat WHERE host=?");
	sql_statement_bind_str(stmt, 0, host);
	return lookup_uint(stmt, "read the heartbeat", secs_r, error_r);
}
