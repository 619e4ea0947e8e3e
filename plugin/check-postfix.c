#include "lib.h"
#include "check-postfix.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where Debian's administrators have it in their PATH or not. */
#define POSTCONF_NAME "postconf"
#define POSTCONF_PATH "/usr/sbin/"POSTCONF_NAME
#define POSTCONF_VALUE_MAX 256

extern char **environ;

/* Returns 0 or an error of errno.h. */
static int spawn_postconf(const char *parameter, int out_fd, pid_t *pid_r)
{
	const char *const argv[] = {
		POSTCONF_NAME, "-h", parameter, NULL
	};
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
		ret = posix_spawnp(pid_r, POSTCONF_NAME, &actions, NULL,
				   (char *const *)argv, environ);
	if (ret == ENOENT)
		ret = posix_spawn(pid_r, POSTCONF_PATH, &actions, NULL,
				  (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return ret;
}

static int read_value(int fd, const char **value_r, const char **error_r)
{
	char value[POSTCONF_VALUE_MAX];
	size_t len = 0;
	ssize_t ret;

	while (len < sizeof(value) - 1 &&
	       (ret = read(fd, value + len, sizeof(value) - 1 - len)) > 0)
		len += ret;
	value[len] = '\0';
	*value_r = t_strdup(t_strcut(value, '\n'));
	if (**value_r == '\0') {
		*error_r = "postconf says nothing";
		return -1;
	}
	return 0;
}

int check_postfix_get(const char *parameter, const char **value_r,
		      const char **error_r)
{
	int fds[2], status, ret, spawn_errno;
	pid_t pid;

	if (pipe(fds) < 0) {
		*error_r = t_strdup_printf("pipe() failed: %m");
		return -1;
	}
	fd_close_on_exec(fds[0], TRUE);
	fd_close_on_exec(fds[1], TRUE);
	spawn_errno = spawn_postconf(parameter, fds[1], &pid);
	i_close_fd(&fds[1]);
	if (spawn_errno != 0) {
		i_close_fd(&fds[0]);
		errno = spawn_errno;
		*error_r = t_strdup_printf("posix_spawn(postconf) failed: %m");
		return spawn_errno == ENOENT ? 0 : -1;
	}
	ret = read_value(fds[0], value_r, error_r);
	i_close_fd(&fds[0]);
	if (waitpid(pid, &status, 0) < 0) {
		*error_r = t_strdup_printf("waitpid() failed: %m");
		return -1;
	}
	return ret < 0 ? -1 : 1;
}
