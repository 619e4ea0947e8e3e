#include "lib.h"
#include "fd-util.h"
#include "check-command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct check_command {
	char *name;
	pid_t pid;
	int fd;
};

/* Returns 0 or an error of errno.h. */
static int command_spawn(const char *const argv[], int out_fd, pid_t *pid_r)
{
	posix_spawn_file_actions_t actions;
	int ret;

	if ((ret = posix_spawn_file_actions_init(&actions)) != 0)
		return ret;
	ret = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
					       "/dev/null", O_RDONLY, 0);
	if (ret == 0)
		ret = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
						       "/dev/null", O_WRONLY,
						       0);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions, out_fd,
						       STDOUT_FILENO);
	if (ret == 0)
		ret = posix_spawnp(pid_r, argv[0], &actions, NULL,
				   (char *const *)argv, environ);
	if (ret == ENOENT)
		ret = posix_spawn(pid_r, t_strconcat("/usr/sbin/", argv[0],
						     NULL), &actions, NULL,
				  (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return ret;
}

int check_command_start(const char *const argv[],
			struct check_command **command_r, int *fd_r,
			const char **error_r)
{
	struct check_command *command;
	int fds[2], spawn_errno;
	pid_t pid;

	if (pipe(fds) < 0) {
		*error_r = t_strdup_printf("pipe() failed: %m");
		return -1;
	}
	fd_close_on_exec(fds[0], TRUE);
	fd_close_on_exec(fds[1], TRUE);
	spawn_errno = command_spawn(argv, fds[1], &pid);
	i_close_fd(&fds[1]);
	if (spawn_errno != 0) {
		i_close_fd(&fds[0]);
		errno = spawn_errno;
		*error_r = t_strdup_printf("posix_spawn(%s) failed: %m",
					   argv[0]);
		return spawn_errno == ENOENT ? 0 : -1;
	}
	command = i_new(struct check_command, 1);
	command->name = i_strdup(argv[0]);
	command->pid = pid;
	command->fd = fds[0];
	*command_r = command;
	*fd_r = fds[0];
	return 1;
}

int check_command_finish(struct check_command **_command, const char **error_r)
{
	struct check_command *command = *_command;
	int status, ret = -1;

	*_command = NULL;
	i_close_fd(&command->fd);
	if (waitpid(command->pid, &status, 0) < 0) {
		*error_r = t_strdup_printf("waitpid(%s) failed: %m",
					   command->name);
	} else if (!WIFEXITED(status)) {
		*error_r = t_strdup_printf("%s was killed", command->name);
	} else if (WEXITSTATUS(status) != 0) {
		*error_r = t_strdup_printf("%s exited with %d", command->name,
					   WEXITSTATUS(status));
	} else {
		ret = 0;
	}
	i_free(command->name);
	i_free(command);
	return ret;
}
