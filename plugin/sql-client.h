#ifndef SQL_CLIENT_H
#define SQL_CLIENT_H

/* Runs mariadb(1), as an administrator who loads SQL files does: with rights
   that Dovecot's own account does not have. */

struct sql_client {
	const char *database;
	/* NULL: what mariadb(1) takes by itself. */
	const char *socket, *host, *user;
	/* Only with a user; never in an argument, the environment or a file
	   that has a name. Options files of the user who runs it are not read
	   then. */
	const char *password;
	/* 0: the default one. */
	unsigned int port;
};

/* Hands statements to it; what they select is appended to output, a row a
   line, with tabs between columns. It stops at the first error. Returns 0, or
   -1 with the server's words and the line of text it is at. */
int sql_client_run(const struct sql_client *client, const char *text,
		   string_t *output, const char **error_r);

#endif
