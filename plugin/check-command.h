#ifndef CHECK_COMMAND_H
#define CHECK_COMMAND_H

/* Runs another program, without a shell of its own, and reads what it says. */

struct check_command;

/* Starts argv[0], looked for in the PATH and in /usr/sbin, which is not in
   everybody's. Returns 1 if started, with *fd_r to read its output from, 0 if
   there is no such program, -1 on error. */
int check_command_start(const char *const argv[],
			struct check_command **command_r, int *fd_r,
			const char **error_r);
/* Closes the output and waits for the end. Returns 0 if the program exited
   with 0, -1 if not. */
int check_command_finish(struct check_command **command, const char **error_r);

#endif
