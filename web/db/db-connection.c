#include "db-private.h"
#include "arena.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A statement that runs longer is ended by the server, before we stop
   listening. */
#define INIT_COMMAND \
	"SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE," \
	"NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO," \
	"NO_ENGINE_SUBSTITUTION',time_zone='+00:00'," \
	"tx_isolation='READ-COMMITTED',max_statement_time=4.5," \
	"innodb_lock_wait_timeout=3,wait_timeout=3600,autocommit=1"

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct db *list;
static _Thread_local struct db *thread_db;
/* Of the last failure to connect, by any thread; 0: none since. */
static _Atomic uint64_t failed_at;

uint64_t db_clock_msecs(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		abort();
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool db_error_is_lost(unsigned int number)
{
	switch (number) {
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CR_SERVER_LOST_EXTENDED:
	case ER_CONNECTION_KILLED:
	case ER_SERVER_SHUTDOWN:
		return true;
	default:
		return false;
	}
}

static bool error_is_unavailable(unsigned int number)
{
	switch (number) {
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_UNKNOWN_HOST:
	case CR_IPSOCK_ERROR:
	case CR_SSL_CONNECTION_ERROR:
	case CR_SERVER_HANDSHAKE_ERR:
	case ER_CON_COUNT_ERROR:
	case ER_HOST_IS_BLOCKED:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_LOCK_DEADLOCK:
	case ER_CHECKREAD:
	case ER_STATEMENT_TIMEOUT:
	case ER_OPTION_PREVENTS_STATEMENT:
	case ER_DISK_FULL:
	case ER_RECORD_FILE_FULL:
	case ER_OUT_OF_RESOURCES:
		return true;
	default:
		return db_error_is_lost(number);
	}
}

/* "SELECT ... FROM pymailadmin_session": enough to find the statement by. */
static const char *statement_name(struct arena *arena, const char *sql)
{
	const char *table = strstr(sql, "pymailadmin_");
	size_t verb = strcspn(sql, " ("), size;

	if (table == NULL)
		return arena_strndup(arena, sql, 40);
	size = strspn(table, "abcdefghijklmnopqrstuvwxyz_");
	return arena_printf(arena, "%.*s %.*s", (int)verb, sql, (int)size,
			    table);
}

int db_failed(struct db *db, struct arena *arena, const char *sql,
	      unsigned int number, const char *text, const char **error_r)
{
	db->error_number = number;
	db->unavailable = error_is_unavailable(number);
	/* What the server says of a statement may quote values: a duplicate
	   key, data that is cut. What it says of rights and names does not. */
	switch (number) {
	case ER_DUP_ENTRY:
	case ER_TRUNCATED_WRONG_VALUE:
	case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
	case ER_WRONG_VALUE:
	case ER_PARSE_ERROR:
		text = "the server refused a value";
		break;
	}
	*error_r = arena_printf(arena, "database(%s) failed: %s (%u)",
				statement_name(arena, sql), text, number);
	return -1;
}

static void library_begin(void)
{
	if (mysql_library_init(0, NULL, NULL) != 0)
		abort();
}

struct db *db_get(const struct db_settings *set)
{
	struct db *db = thread_db;

	if (db != NULL)
		return db;
	(void)pthread_once(&library_once, library_begin);
	db = calloc(1, sizeof(*db));
	if (db == NULL)
		abort();
	db->set = set;
	pthread_mutex_lock(&list_mutex);
	db->next = list;
	list = db;
	pthread_mutex_unlock(&list_mutex);
	thread_db = db;
	return db;
}

void db_disconnect(struct db *db)
{
	unsigned int i;

	for (i = 0; i < DB_STATEMENTS_MAX; i++) {
		if (db->statements[i].stmt != NULL)
			(void)mysql_stmt_close(db->statements[i].stmt);
		db->statements[i] = (struct db_statement){ NULL, NULL };
	}
	db->statements_count = 0;
	if (db->mysql != NULL)
		mysql_close(db->mysql);
	db->mysql = NULL;
}

void db_deinit(void)
{
	struct db *db;

	pthread_mutex_lock(&list_mutex);
	while ((db = list) != NULL) {
		list = db->next;
		db_disconnect(db);
		free(db);
	}
	pthread_mutex_unlock(&list_mutex);
	thread_db = NULL;
	atomic_store(&failed_at, 0);
}

static bool is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

static bool is_this_host(const struct db_settings *set)
{
	return is_set(set->socket) || !is_set(set->host) ||
		strcmp(set->host, "localhost") == 0 ||
		strcmp(set->host, "::1") == 0 ||
		strncmp(set->host, "127.", 4) == 0;
}

void db_set_transport(MYSQL *mysql, const struct db_settings *set)
{
	const unsigned int tcp = MYSQL_PROTOCOL_TCP;
	const unsigned int no = 0;
	const my_bool off = 0, on = 1;

	/* the host "localhost" would mean a socket */
	if (!is_set(set->socket))
		mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp);
	mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
	if (is_set(set->tls_ca)) {
		mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
		mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, set->tls_ca);
		mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
		mysql_optionsv(mysql, MARIADB_OPT_TLS_VERSION,
			       "TLSv1.2,TLSv1.3");
	} else if (is_this_host(set)) {
		/* nobody is in between */
		mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &off);
	} else {
		/* elsewhere the server must prove itself as libmariadb sees
		   fit: by its certificate or, without one that is known, by
		   knowing the password */
		mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
		mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
	}
	if (is_set(set->tls_cert))
		mysql_optionsv(mysql, MYSQL_OPT_SSL_CERT, set->tls_cert);
	if (is_set(set->tls_key))
		mysql_optionsv(mysql, MYSQL_OPT_SSL_KEY, set->tls_key);
}

static void set_options(MYSQL *mysql, const struct db_settings *set)
{
	const unsigned int timeout = DB_TIMEOUT_SECS;
	const my_bool off = 0;

	mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
	mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
	mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
	mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(mysql, MYSQL_INIT_COMMAND, INIT_COMMAND);
	mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &off);
	db_set_transport(mysql, set);
}

static bool is_paused(void)
{
	const uint64_t failed = atomic_load(&failed_at);

	return failed != 0 && db_clock_msecs() - failed < DB_PAUSE_MSECS;
}

int db_connect(struct db *db, struct arena *arena, const char **error_r)
{
	const struct db_settings *set = db->set;
	bool local;
	int ret;

	if (db->mysql != NULL)
		return 0;
	if (is_paused()) {
		db->error_number = CR_CONNECTION_ERROR;
		db->unavailable = true;
		*error_r = "database(connect) failed: "
			"it failed less than a second ago";
		return -1;
	}
	db->mysql = mysql_init(NULL);
	if (db->mysql == NULL)
		abort();
	set_options(db->mysql, set);
	local = is_set(set->socket);
	if (mysql_real_connect(db->mysql, local ? "localhost" : set->host,
			       set->user, set->password, set->name,
			       local ? 0 : set->port,
			       local ? set->socket : NULL, 0) != NULL) {
		atomic_store(&failed_at, 0);
		return 0;
	}
	ret = db_failed(db, arena, "connect", mysql_errno(db->mysql),
			mysql_error(db->mysql), error_r);
	/* wrong passwords too: an administrator is at work */
	db->unavailable = true;
	db_disconnect(db);
	atomic_store(&failed_at, db_clock_msecs());
	return ret;
}

static struct db_statement *find_slot(struct db *db, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) * 2654435761U;

	for (;; i++) {
		struct db_statement *slot =
			&db->statements[i & (DB_STATEMENTS_MAX - 1)];

		if (slot->sql == sql || slot->sql == NULL)
			return slot;
	}
}

MYSQL_STMT *db_prepare(struct db *db, const char *sql)
{
	struct db_statement *slot = find_slot(db, sql);
	MYSQL_STMT *stmt;

	if (slot->stmt != NULL)
		return slot->stmt;
	/* the search for a slot needs free ones to end at */
	if (db->statements_count >= DB_STATEMENTS_MAX / 2)
		abort();
	stmt = mysql_stmt_init(db->mysql);
	if (stmt == NULL)
		abort();
	if (mysql_stmt_prepare(stmt, sql, strlen(sql)) != 0) {
		db->error_number = mysql_stmt_errno(stmt);
		(void)mysql_stmt_close(stmt);
		return NULL;
	}
	*slot = (struct db_statement){ sql, stmt };
	db->statements_count++;
	return stmt;
}
