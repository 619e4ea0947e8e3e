#ifndef AUTH_LOOKUP_H
#define AUTH_LOOKUP_H

/* The auth driver's question to the database, one statement per login or
   lookup. */

struct auth_request;
struct sql_db;

/* Finds the database of pymailadmin_sql { }, or else the global one. Release
   it with sql_unref(). */
int auth_lookup_init(struct event *event, struct sql_db **db_r,
		     const char **error_r);

/* Connects an auth-worker to it. If that is refused, every login is until
   another worker takes over. */
void auth_lookup_connect(struct sql_db *db);

enum auth_lookup_kind {
	AUTH_LOOKUP_LOGIN,
	/* A delivery, a command, an indexer: while a password is changed those
	   go on, but a mailbox that is being made or destroyed is not there for
	   anyone. */
	AUTH_LOOKUP_OTHER
};

/* Blocks, so it is for an auth-worker. Returns what the request's user is told
   if the login is to be refused: the mailbox is closed, or nobody can say that
   it is not. NULL if it is open. The admin is told by the log. */
const char *auth_lookup_refusal(struct auth_request *request,
				struct sql_db *db, enum auth_lookup_kind kind);

/* Returns what the user is told if nobody can say. */
const char *auth_lookup_unavailable_text(struct auth_request *request);

#endif
