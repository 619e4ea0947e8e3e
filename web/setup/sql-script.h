#ifndef SQL_SCRIPT_H
#define SQL_SCRIPT_H

/* Files of SQL, cut into statements as the mariadb client does it: by ";", or
   what a line "DELIMITER ..." says, but not within quotes and comments.
   Pure. */

#include <stdbool.h>

struct arena;

#define SQL_DELIMITER_MAX 8

struct sql_script {
	/* private */
	const char *rest;
	char delimiter[SQL_DELIMITER_MAX + 1];
};

/* The text has to outlive the script. */
void sql_script_init(struct sql_script *script, const char *text);
/* Returns false at the end, else the next statement in the arena, without its
   delimiter and what stands before it. */
bool sql_script_next(struct sql_script *script, struct arena *arena,
		     const char **statement_r);

#endif
