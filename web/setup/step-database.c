#include "setup-private.h"
#include "arena.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SOCKET_DEFAULT "/run/mysqld/mysqld.sock"
#define PORT_DEFAULT 3306
#define DATABASES_MAX 100

static const char *default_place(struct setup *setup)
{
	const char *socket = setup_get(setup, "database_socket", "");
	const char *host = setup_get(setup, "database_host", "");

	if (socket[0] != '\0')
		return socket;
	if (host[0] != '\0')
		return arena_printf(setup->arena, "%s:%s", host,
				    setup_get(setup, "database_port", "3306"));
	return SOCKET_DEFAULT;
}

/* "host:port", but an IPv6 address has colons of its own. */
static void set_host(struct setup *setup, const char *place)
{
	const char *colon = strrchr(place, ':');
	unsigned long port = PORT_DEFAULT;

	setup->admin.socket = NULL;
	setup->admin.host = place;
	if (colon != NULL && colon == strchr(place, ':')) {
		port = strtoul(colon + 1, NULL, 10);
		setup->admin.host = arena_strndup(setup->arena, place,
						  (size_t)(colon - place));
	}
	setup->admin.port = port <= 65535 ? (unsigned int)port : 0;
}

bool setup_is_elsewhere(const struct setup *setup)
{
	return setup->admin.socket == NULL &&
		strncmp(setup->admin.host, "127.", 4) != 0 &&
		strcmp(setup->admin.host, "::1") != 0 &&
		strcmp(setup->admin.host, "localhost") != 0;
}

/* What the portal is to connect to, in its settings. */
static void set_place(struct setup *setup)
{
	const struct db_settings *admin = &setup->admin;

	setup_set(setup, "database_socket", admin->socket);
	setup_set(setup, "database_host",
		  admin->socket == NULL ? admin->host : NULL);
	setup_set(setup, "database_port", admin->socket == NULL ?
		  arena_printf(setup->arena, "%u", admin->port) : NULL);
}

static const char *check_readable(void *context, const char *answer)
{
	struct setup *setup = context;

	return answer[0] == '/' && access(answer, R_OK) == 0 ? NULL :
		setup_text(setup, MSG_setup_wrong_file);
}

static bool ask_place(struct setup *setup)
{
	const char *place, *ca;

	setup_say(setup, MSG_setup_database_about);
	place = dialog_ask(&setup->dialog,
			   setup_text(setup, MSG_setup_ask_place),
			   default_place(setup), NULL, NULL);
	if (place == NULL)
		return false;
	if (place[0] == '/')
		setup->admin.socket = place;
	else
		set_host(setup, place);
	set_place(setup);
	if (!setup_is_elsewhere(setup))
		return true;
	ca = setup_ask_optional(setup,
				setup_text(setup, MSG_setup_ask_database_ca),
				setup_get(setup, "database_tls_ca", ""),
				check_readable, setup);
	if (ca == NULL)
		return false;
	setup->admin.tls_ca = ca;
	setup_set(setup, "database_tls_ca", ca);
	return true;
}

/* A password is asked for only where one is wanted. */
static int connect_as_admin(struct setup *setup, const char **error_r)
{
	const char *password;
	bool denied;

	setup->admin.password = NULL;
	setup->db = db_admin_connect(&setup->admin, setup->arena, &denied,
				     error_r);
	if (setup->db != NULL)
		return 1;
	if (!denied)
		return -1;
	password = dialog_ask_secret(&setup->dialog,
		setup_text(setup, MSG_setup_ask_database_password,
			   LANGUAGE_TEXT("user", setup->admin.user)), NULL,
		NULL);
	if (password == NULL)
		return 0;
	setup->admin.password = password;
	setup->db = db_admin_connect(&setup->admin, setup->arena, &denied,
				     error_r);
	dialog_forget(password);
	setup->admin.password = NULL;
	return setup->db == NULL ? -1 : 1;
}

struct databases {
	struct setup *setup;
	const char *names[DATABASES_MAX];
	size_t count;
	/* The first whose tables are known. */
	const char *likely;
};

static int list_databases(struct databases *databases, const char **error_r)
{
	struct setup *setup = databases->setup;
	struct mapping mapping;
	struct db_rows rows;
	size_t i;

	if (db_admin_run(setup->db, setup->arena,
			 "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA "
			 "WHERE SCHEMA_NAME NOT IN ('information_schema',"
			 "'mysql','performance_schema','sys') ORDER BY 1",
			 &rows, error_r) < 0)
		return -1;
	for (i = 0; i < rows.count && i < DATABASES_MAX; i++) {
		const char *name = db_value_text(&rows.rows[i].values[0]);

		if (setup_read_columns(setup, name, &setup->columns,
				       error_r) < 0)
			return -1;
		databases->names[databases->count++] = name;
		if (mapping_recognise(&setup->columns, &mapping)) {
			setup_say(setup, MSG_setup_database_known,
				  LANGUAGE_TEXT("name", name),
				  LANGUAGE_TEXT("title", mapping.title));
			if (databases->likely == NULL)
				databases->likely = name;
		} else {
			setup_say(setup, MSG_setup_database_other,
				  LANGUAGE_TEXT("name", name));
		}
	}
	return 1;
}

static const char *check_database(void *context, const char *answer)
{
	const struct databases *databases = context;
	size_t i;

	for (i = 0; i < databases->count; i++) {
		if (strcmp(databases->names[i], answer) == 0)
			return NULL;
	}
	return setup_text(databases->setup, MSG_setup_wrong_database);
}

static int ask_database(struct setup *setup, const char **error_r)
{
	struct databases databases = { .setup = setup };

	if (list_databases(&databases, error_r) < 0)
		return -1;
	setup->database = dialog_ask(&setup->dialog,
		setup_text(setup, MSG_setup_ask_database),
		setup_get(setup, "database_name", databases.likely),
		check_database, &databases);
	if (setup->database == NULL)
		return 0;
	setup_set(setup, "database_name", setup->database);
	return 1;
}

int setup_database_ask(struct setup *setup, const char **error_r)
{
	int ret;

	db_admin_close(&setup->db);
	if (!ask_place(setup))
		return 0;
	setup->admin.user = dialog_ask(&setup->dialog,
		setup_text(setup, MSG_setup_ask_database_user), "root", NULL,
		NULL);
	if (setup->admin.user == NULL)
		return 0;
	ret = connect_as_admin(setup, error_r);
	return ret <= 0 ? ret : ask_database(setup, error_r);
}

/* Nothing is changed yet; but the next steps may, unless it is too late or
   another one is at it. */
int setup_database_apply(struct setup *setup, const char **error_r)
{
	const char *locked;
	int ret;

	if (db_admin_use(setup->db, setup->arena, setup->database,
			 error_r) < 0 ||
	    setup_read_columns(setup, setup->database, &setup->columns,
			       error_r) < 0 ||
	    setup_query_value(setup, "SELECT GET_LOCK('pymailadmin-setup',0)",
			      &locked, error_r) < 0)
		return -1;
	if (locked == NULL || strcmp(locked, "1") != 0) {
		setup_say(setup, MSG_setup_refused_other);
		setup->status = EX_NOPERM;
		return 0;
	}
	ret = setup_has_super_admin(setup, error_r);
	if (ret > 0) {
		setup_say(setup, MSG_setup_refused);
		setup->status = EX_NOPERM;
		return 0;
	}
	return ret < 0 ? -1 : 1;
}
