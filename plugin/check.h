#ifndef CHECK_H
#define CHECK_H

/* The checks of "doveadm pymailadmin check": each looks at one thing and adds
   one line, which for a warning or an error says what to do. Nothing is
   changed by any of them. What a check cannot be told without something that
   is broken, and has its line, it leaves out.

   One thread. Lines are on the check's pool, never a secret in them. */

struct check_config;
struct mail_storage_service_ctx;
struct pymailadmin_settings;
struct request_store;

/* A user nobody is: the top level domain is RFC 2606's. */
#define CHECK_NOBODY "pymailadmin-check@nobody.invalid"

enum check_result {
	CHECK_OK,
	CHECK_WARNING,
	CHECK_ERROR
};

struct check_line {
	const char *name;
	enum check_result result;
	const char *text;
};

struct check {
	pool_t pool;
	struct event *event;
	/* Where pymailadmin's settings are looked up. */
	struct event *set_event;
	const struct pymailadmin_settings *set;
	/* The servers' settings. */
	struct check_config *config;
	/* NULL if the database cannot be asked. */
	struct request_store *store;
	struct mail_storage_service_ctx *storage_service;
	/* Of dovecot.conf */
	const char *config_path;
	const char *base_dir;
	/* Does Dovecot run? */
	bool running;

	ARRAY(struct check_line) lines;
	/* Of sysexits.h, 0 if there is no error. */
	int exit_code;
};

/* Returns "ok", "warning" or "error". */
const char *check_result_name(enum check_result result);

void check_ok(struct check *check, const char *name, const char *fmt, ...)
	ATTR_FORMAT(3, 4);
void check_warning(struct check *check, const char *name, const char *fmt, ...)
	ATTR_FORMAT(3, 4);
/* Of several errors' exit codes, EX_TEMPFAIL goes before EX_CONFIG before the
   first of the others. */
void check_error(struct check *check, const char *name, int exit_code,
		 const char *fmt, ...) ATTR_FORMAT(4, 5);

/* Does one of Dovecot's processes listen at this socket of base_dir? */
bool check_socket(struct check *check, const char *socket_name,
		  const char **error_r);

/* Settings, and whether the running Dovecot has them. */
void check_settings(struct check *check);
/* The auth process: the driver's place among passdbs and userdbs, its cache. */
void check_auth(struct check *check);
/* The mail processes: plugins, modules, mail_crypt, the attribute dict. */
void check_mail(struct check *check);
/* The database, its tables and rights, and the timer. */
void check_database(struct check *check);
/* Which mailboxes this host takes, and the others of the database. */
void check_backend(struct check *check);
/* The seal key, anvil and Postfix. */
void check_host(struct check *check);
/* The mailbox of a user. password is NULL if it is not to be proved. */
void check_user(struct check *check, const char *username,
		const char *password);

#endif
