#include "lib.h"
#include "strnum.h"
#include "sql-api.h"
#include "request-backend.h"
#include "schema-version.h"
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
	  "updated_at,ended_at,open_address,backend "
	  "FROM pymailadmin_request WHERE 0" },
	{ "pymailadmin_backend_of", "EXECUTE",
	  "SELECT pymailadmin_backend_of('') FROM DUAL" },
	{ "pymailadmin_request_claim", "EXECUTE",
	  "CALL pymailadmin_request_claim('','','','','',0)" },
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
	{ "pymailadmin_account_view", "SELECT",
	  "SELECT id,role,active FROM pymailadmin_account_view WHERE 0" },
	{ "pymailadmin_owner_view", "SELECT",
	  "SELECT id,email FROM pymailadmin_owner_view WHERE 0" },
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
	  "SELECT host,backend,seal_key_id,version,last_run_at "
	  "FROM pymailadmin_heartbeat WHERE 0" },
	{ "pymailadmin_heartbeat", "INSERT",
	  "INSERT INTO pymailadmin_heartbeat"
	  "(host,backend,seal_key_id,version,last_run_at) "
	  "SELECT '',NULL,NULL,'',UTC_TIMESTAMP() FROM DUAL WHERE 0 "
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

int sql_check_schema(struct request_store *store, const char **error_r)
{
	unsigned int version;
	int ret;

	ret = sql_check_schema_version(store, &version, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0)
		version = 0;
	if (version < SQL_SCHEMA_VERSION) {
		*error_r = t_strdup_printf("the database's tables are of "
			"version %u, %u is needed; run: "
			"doveadm pymailadmin upgrade", version,
			SQL_SCHEMA_VERSION);
		return 0;
	}
	if (version > SCHEMA_VERSION_NEWEST) {
		*error_r = t_strdup_printf("the database's tables are of "
			"version %u, this plugin knows version %u; install "
			"the pymailadmin they belong to", version,
			SCHEMA_VERSION_NEWEST);
		return 0;
	}
	return 1;
}

int sql_check_switching(struct request_store *store, unsigned int *count_r,
			const char **error_r)
{
	return lookup_uint(sql_statement_init(request_store_get_db(store),
		"SELECT COUNT(*) FROM pymailadmin_request "
		"WHERE state IN ('switching','switched') AND kind<>'delete'"),
		"count requests", count_r, error_r);
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

/* Those there are go by names, in the order of these. */
#define SQL_NAMES(name) \
	"GROUP_CONCAT(DISTINCT " name " ORDER BY " name " SEPARATOR ', ')"

int sql_check_mailboxes(struct request_store *store, bool ours,
			const char **others_r, const char **error_r)
{
	struct sql_statement *stmt;

	/* all would take minutes where there are a million */
	stmt = sql_statement_init(request_store_get_db(store), ours ?
		"SELECT 'this one' FROM (SELECT "
		"pymailadmin_backend_of(address) AS backend "
		"FROM pymailadmin_mailbox LIMIT "SQL_CHECK_MAILBOXES_MAX") m "
		"WHERE backend<=>NULLIF(?,'') LIMIT 1" :
		"SELECT " SQL_NAMES("COALESCE(backend,'hosts without a name')")
		" FROM (SELECT pymailadmin_backend_of(address) AS backend "
		"FROM pymailadmin_mailbox LIMIT "SQL_CHECK_MAILBOXES_MAX") m "
		"WHERE NOT backend<=>NULLIF(?,'')");
	sql_statement_bind_str(stmt, 0, request_store_get_backend(store));
	return sql_run_lookup(stmt, "look where mailboxes are", others_r,
			      error_r);
}

int sql_check_has_more_mailboxes(struct request_store *store,
				 const char **error_r)
{
	struct sql_statement *stmt;
	const char *value;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT 1 FROM pymailadmin_mailbox "
		"LIMIT 1 OFFSET "SQL_CHECK_MAILBOXES_MAX);
	return sql_run_lookup(stmt, "count mailboxes", &value, error_r);
}

int sql_check_lost_requests(struct request_store *store,
			    const char **backends_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT " SQL_NAMES("COALESCE(b.name,'hosts without "
				    "pymailadmin_backend')")
		" FROM (SELECT DISTINCT backend AS name "
		"FROM pymailadmin_request WHERE state NOT IN ('done','failed',"
		"'expired','canceled')) b WHERE "
		"NOT b.name<=>NULLIF(?,'') AND "
		REQUEST_BACKEND_SQL_SILENT("b.name"));
	sql_statement_bind_str(stmt, 0, request_store_get_backend(store));
	return sql_run_lookup(stmt, "look for requests", backends_r, error_r);
}

int sql_check_other_keys(struct request_store *store, const char *host,
			 const char **hosts_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT " SQL_NAMES("o.host") " FROM pymailadmin_heartbeat o "
		"JOIN pymailadmin_heartbeat h ON h.host=? "
		"WHERE o.host<>h.host AND "
		REQUEST_BACKEND_SQL_WORKS("o.last_run_at") " AND "
		"NOT o.seal_key_id<=>h.seal_key_id");
	sql_statement_bind_str(stmt, 0, host);
	return sql_run_lookup(stmt, "compare seal keys", hosts_r, error_r);
}

int sql_check_same_backend(struct request_store *store, const char *host,
			   const char **hosts_r, const char **error_r)
{
	struct sql_statement *stmt;

	stmt = sql_statement_init(request_store_get_db(store),
		"SELECT " SQL_NAMES("host") " FROM pymailadmin_heartbeat "
		"WHERE host<>? AND backend<=>NULLIF(?,'') AND "
		REQUEST_BACKEND_SQL_WORKS("last_run_at"));
	sql_statement_bind_str(stmt, 0, host);
	sql_statement_bind_str(stmt, 1, request_store_get_backend(store));
	return sql_run_lookup(stmt, "look for other hosts", hosts_r, error_r);
}
