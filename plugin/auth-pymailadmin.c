#include "auth-common.h"
#include "ioloop.h"
#include "str.h"
#include "sql-api.h"
#include "auth-worker-connection.h"
#include "passdb.h"
#include "passdb-blocking.h"
#include "userdb.h"
#include "pymailadmin-protocol.h"
#include "auth-window.h"
#include "auth-lookup.h"
#include "auth-pymailadmin.h"

#define OPEN_NOTE_FIELD "pymailadmin_open"

/* Since then they are told whether answers may be cached: ours never are. */
#if DOVECOT_PREREQ(2, 4, 3)
#  define PASSDB_PREINIT_MORE \
	const struct passdb_parameters *passdb_params ATTR_UNUSED,
#  define USERDB_PREINIT_MORE \
	const struct userdb_parameters *userdb_params ATTR_UNUSED,
#else
#  define PASSDB_PREINIT_MORE
#  define USERDB_PREINIT_MORE
#endif

/* Dovecot can send lookups of a blocking database to an auth-worker by itself,
   but takes a worker that hangs or dies for a database that knows nothing, and
   asks the next one: that would let a login through. So this driver is not
   "blocking" to Dovecot, sends the same commands itself, and refuses the login
   if there is no answer. It also answers without a worker what needs none. */

struct pymailadmin_passdb {
	struct passdb_module module;
	struct sql_db *db;
};

struct pymailadmin_userdb {
	struct userdb_module module;
	struct sql_db *db;
};

struct pass_check {
	struct auth_request *request;
	/* one of them */
	verify_plain_callback_t *verify_plain;
	lookup_credentials_callback_t *lookup_credentials;
};

struct user_check {
	struct auth_request *request;
	userdb_callback_t *callback;
};

const char *authdb_pymailadmin_version = DOVECOT_ABI_VERSION;

/* The passdb's answer goes with the request to the userdb, which asks the
   database only if there is none: one statement per login. Not as a "userdb_"
   field, which would make userdb prefetch find any user. */
static void user_note_open(struct auth_request *request)
{
	auth_fields_add(request->fields.extra_fields, OPEN_NOTE_FIELD,
			auth_window_open_note(request->fields.user,
					      ioloop_time),
			AUTH_FIELD_FLAG_HIDDEN);
}

static bool user_was_just_open(struct auth_request *request)
{
	const char *note = auth_fields_find(request->fields.extra_fields,
					    OPEN_NOTE_FIELD);

	return note != NULL &&
		auth_window_open_note_holds(note, request->fields.user,
					    ioloop_time);
}

/*
 * passdb
 */

static void
pass_check_finish(const struct pass_check *check, enum passdb_result result)
{
	if (check->verify_plain != NULL)
		check->verify_plain(result, check->request);
	else {
		check->lookup_credentials(result, uchar_empty_ptr, 0,
					  check->request);
	}
}

/* USER_DISABLED is the one result that no setting turns into a success. */
static enum passdb_result
pass_refuse(struct auth_request *request, const char *text)
{
	auth_request_set_field(request, "reason",
		auth_window_reason(request->fields.protocol, text), NULL);
	/* No password was wrong: no delay, no penalty for the address it came
	   from, which the first login after would have to wait for. */
	auth_request_set_field(request, "nodelay", "", NULL);
	return PASSDB_RESULT_USER_DISABLED;
}

static bool
pass_check_worker_reply(struct auth_worker_connection *conn ATTR_UNUSED,
			const char *const *args, void *context)
{
	struct pass_check *check = context;
	struct auth_request *request = check->request;
	enum passdb_result result;

	result = passdb_blocking_auth_worker_reply_parse(request, args);
	if (result == PASSDB_RESULT_NEXT)
		user_note_open(request);
	else if (result != PASSDB_RESULT_USER_DISABLED) {
		e_error(authdb_event(request), "Login refused: "
			"no answer from auth-worker (%s)",
			passdb_result_to_string(result));
		result = pass_refuse(request,
				     auth_lookup_unavailable_text(request));
	}
	if (result == PASSDB_RESULT_USER_DISABLED &&
	    !auth_window_reason_has_code(request->fields.protocol)) {
		/* the auth protocol's own code for it: submission answers 454
		   instead of 535, at which clients ask for a new password */
		request->internal_failure = TRUE;
	}
	pass_check_finish(check, result);
	auth_request_unref(&request);
	return TRUE;
}

static void pass_check_ask_worker(const struct pass_check *_check)
{
	struct auth_request *request = _check->request;
	struct pass_check *check;
	string_t *str = t_str_new(128);

	check = p_new(request->pool, struct pass_check, 1);
	*check = *_check;

	/* PASSV also for a lookup of credentials: the worker's answer to PASSL
	   has no place for the reason. The password is not needed. */
	str_printfa(str, "PASSV\t%u\t\t", request->passdb->passdb->id);
	auth_request_export(request, str);
	auth_request_ref(request);
	auth_worker_call(request->pool, request->fields.user, str_c(str),
			 pass_check_worker_reply, check);
}

static void pass_check_begin(const struct pass_check *check)
{
	struct auth_request *request = check->request;
	struct pymailadmin_passdb *passdb =
		container_of(request->passdb->passdb,
			     struct pymailadmin_passdb, module);
	const char *text;

	if (worker) {
		text = auth_lookup_refusal(request, passdb->db,
					   AUTH_LOOKUP_LOGIN);
		pass_check_finish(check, text == NULL ? PASSDB_RESULT_NEXT :
				  pass_refuse(request, text));
	} else if (request->fields.mech_name == NULL) {
		/* no login, but a proxy that asks where to deliver to */
		pass_check_finish(check, PASSDB_RESULT_NEXT);
	} else {
		pass_check_ask_worker(check);
	}
}

static void
pymailadmin_verify_plain(struct auth_request *request,
			 const char *password ATTR_UNUSED,
			 verify_plain_callback_t *callback)
{
	const struct pass_check check = {
		.request = request,
		.verify_plain = callback,
	};
	pass_check_begin(&check);
}

static void
pymailadmin_lookup_credentials(struct auth_request *request,
			       lookup_credentials_callback_t *callback)
{
	const struct pass_check check = {
		.request = request,
		.lookup_credentials = callback,
	};
	pass_check_begin(&check);
}

static int
pymailadmin_passdb_preinit(pool_t pool, struct event *event,
			   PASSDB_PREINIT_MORE
			   struct passdb_module **module_r,
			   const char **error_r)
{
	struct pymailadmin_passdb *passdb;

	passdb = p_new(pool, struct pymailadmin_passdb, 1);
	if (auth_lookup_init(event, &passdb->db, error_r) < 0)
		return -1;
	*module_r = &passdb->module;
	return 0;
}

static void pymailadmin_passdb_init(struct passdb_module *module)
{
	struct pymailadmin_passdb *passdb =
		container_of(module, struct pymailadmin_passdb, module);

	module->blocking = FALSE;
	if (worker)
		auth_lookup_connect(passdb->db);
}

static void pymailadmin_passdb_deinit(struct passdb_module *module)
{
	struct pymailadmin_passdb *passdb =
		container_of(module, struct pymailadmin_passdb, module);

	sql_unref(&passdb->db);
}

static struct passdb_module_interface passdb_pymailadmin = {
	.name = "pymailadmin",

	.preinit = pymailadmin_passdb_preinit,
	.init = pymailadmin_passdb_init,
	.deinit = pymailadmin_passdb_deinit,

	.verify_plain = pymailadmin_verify_plain,
	.lookup_credentials = pymailadmin_lookup_credentials,
};

/*
 * userdb
 */

/* "tempfail" is what no later userdb and no setting takes back. */
static enum userdb_result
user_refuse(struct auth_request *request, const char *text)
{
	auth_request_set_userdb_field(request, "reason",
				      auth_window_reason("", text));
	auth_request_set_userdb_field(request, "tempfail", "");
	return USERDB_RESULT_OK;
}

static bool
user_check_worker_reply(struct auth_worker_connection *conn ATTR_UNUSED,
			const char *const *args, void *context)
{
	struct user_check *check = context;
	struct auth_request *request = check->request;
	enum userdb_result result;
	const char *reason = NULL;

	if (strcmp(args[0], "NOTFOUND") == 0)
		result = USERDB_RESULT_USER_UNKNOWN;
	else {
		for (args++; *args != NULL && reason == NULL; args++)
			(void)str_begins(*args, "reason=", &reason);
		if (reason == NULL) {
			e_error(authdb_event(request), "%s: "
				"no answer from auth-worker",
				request->fields.successful ? "Login refused" :
				"User lookup deferred");
			reason = auth_lookup_unavailable_text(request);
		}
		result = user_refuse(request, reason);
	}
	check->callback(result, request);
	auth_request_unref(&request);
	return TRUE;
}

static void
user_check_ask_worker(struct auth_request *request,
		      userdb_callback_t *callback)
{
	struct user_check *check;
	string_t *str = t_str_new(128);

	check = p_new(request->pool, struct user_check, 1);
	check->request = request;
	check->callback = callback;

	str_printfa(str, "USER\t%u\t", request->userdb->userdb->id);
	auth_request_export(request, str);
	auth_request_ref(request);
	auth_worker_call(request->pool, request->fields.user, str_c(str),
			 user_check_worker_reply, check);
}

static void pymailadmin_user_lookup(struct auth_request *request,
				    userdb_callback_t *callback)
{
	struct pymailadmin_userdb *userdb =
		container_of(request->userdb->userdb,
			     struct pymailadmin_userdb, module);
	const char *text;

	if (worker) {
		text = auth_lookup_refusal(request, userdb->db,
			request->fields.successful ? AUTH_LOOKUP_LOGIN :
			AUTH_LOOKUP_OTHER);
		callback(text == NULL ? USERDB_RESULT_USER_UNKNOWN :
			 user_refuse(request, text), request);
	} else if (strcmp(request->fields.protocol,
			  PYMAILADMIN_PROTOCOL) == 0 ||
		   (request->fields.successful &&
		    user_was_just_open(request))) {
		/* whoever works on requests, or a login that was checked */
		callback(USERDB_RESULT_USER_UNKNOWN, request);
	} else {
		user_check_ask_worker(request, callback);
	}
}

static int
pymailadmin_userdb_preinit(pool_t pool, struct event *event,
			   USERDB_PREINIT_MORE
			   struct userdb_module **module_r,
			   const char **error_r)
{
	struct pymailadmin_userdb *userdb;

	userdb = p_new(pool, struct pymailadmin_userdb, 1);
	if (auth_lookup_init(event, &userdb->db, error_r) < 0)
		return -1;
	*module_r = &userdb->module;
	return 0;
}

static void pymailadmin_userdb_init(struct userdb_module *module)
{
	struct pymailadmin_userdb *userdb =
		container_of(module, struct pymailadmin_userdb, module);

	module->blocking = FALSE;
	if (worker)
		auth_lookup_connect(userdb->db);
}

static void pymailadmin_userdb_deinit(struct userdb_module *module)
{
	struct pymailadmin_userdb *userdb =
		container_of(module, struct pymailadmin_userdb, module);

	sql_unref(&userdb->db);
}

static struct userdb_module_interface userdb_pymailadmin = {
	.name = "pymailadmin",

	.preinit = pymailadmin_userdb_preinit,
	.init = pymailadmin_userdb_init,
	.deinit = pymailadmin_userdb_deinit,

	.lookup = pymailadmin_user_lookup,
};

void authdb_pymailadmin_init(struct module *module ATTR_UNUSED)
{
	passdb_register_module(&passdb_pymailadmin);
	userdb_register_module(&userdb_pymailadmin);
}

void authdb_pymailadmin_deinit(void)
{
	passdb_unregister_module(&passdb_pymailadmin);
	userdb_unregister_module(&userdb_pymailadmin);
}
