#define _GNU_SOURCE /* memfd_create() */
#include "lib.h"
#include "array.h"
#include "fd-util.h"
#include "safe-memset.h"
#include "str.h"
#include "str-sanitize.h"
#include "write-full.h"
#include "sql-client.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT "mariadb"
#define SYSTEM_OPTIONS "/etc/mysql/my.cnf"
/* Where the client finds the password: the first after the standard ones. */
#define OPTIONS_FD 3
#define MAX_ERROR_LEN 500

extern char **environ;

/* A file without a name that goes when it is closed. */
static int scratch_open(const void *data, size_t size, const char **error_r)
{
	int fd = memfd_create("pymailadmin", MFD_CLOEXEC);

	if (fd < 0) {
		*error_r = t_strdup_printf("memfd_create() failed: %m");
		return -1;
	}
	/* the client does not read options that everybody may write */
	if (fchmod(fd, 0600) < 0 || write_full(fd, data, size) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		*error_r = t_strdup_printf("write(memfd) failed: %m");
		i_close_fd(&fd);
	}
	return fd;
}

static int scratch_read(int fd, string_t *output, const char **error_r)
{
	unsigned char buffer[4096];
	ssize_t ret;

	if (lseek(fd, 0, SEEK_SET) < 0) {
		*error_r = t_strdup_printf("lseek(memfd) failed: %m");
		return -1;
	}
	while ((ret = read(fd, buffer, sizeof(buffer))) > 0)
		str_append_data(output, buffer, ret);
	if (ret < 0) {
		*error_r = t_strdup_printf("read(memfd) failed: %m");
		return -1;
	}
	return 0;
}

static int options_open(const struct sql_client *client, const char **error_r)
{
	string_t *text = str_new(default_pool, 4096);
	const char *p;
	int fd;

	/* for what it says of TLS */
	if (access(SYSTEM_OPTIONS, R_OK) == 0)
		str_append(text, "!include "SYSTEM_OPTIONS"\n");
	str_append(text, "[client]\npassword=\"");
	for (p = client->password; *p != '\0'; p++) {
		if (*p == '\\' || *p == '"')
			str_append_c(text, '\\');
		str_append_c(text, *p);
	}
	str_append(text, "\"\n");
	fd = scratch_open(str_data(text), str_len(text), error_r);
	safe_memset(str_c_modifiable(text), 0, str_len(text));
	str_free(&text);
	return fd;
}

static const char *const *client_arguments(const struct sql_client *client)
{
	ARRAY_TYPE(const_string) args;
	const char *const more[] = {
		"--batch", "--raw", "--skip-column-names", "--skip-force",
		"--default-character-set=utf8mb4", "--connect-timeout=10",
	};
	const char *arg = CLIENT;

	t_array_init(&args, 16);
	array_push_back(&args, &arg);
	if (client->password != NULL) {
		/* has to be the first */
		arg = t_strdup_printf("--defaults-file=/dev/fd/%d",
				      OPTIONS_FD);
		array_push_back(&args, &arg);
	}
	array_append(&args, more, N_ELEMENTS(more));
	if (client->socket != NULL) {
		arg = t_strconcat("--socket=", client->socket, NULL);
		array_push_back(&args, &arg);
	}
	if (client->host != NULL) {
		arg = t_strconcat("--host=", client->host, NULL);
		array_push_back(&args, &arg);
	}
	if (client->port != 0) {
		arg = t_strdup_printf("--port=%u", client->port);
		array_push_back(&args, &arg);
	}
	if (client->user != NULL) {
		arg = t_strconcat("--user=", client->user, NULL);
		array_push_back(&args, &arg);
	}
	arg = t_strconcat("--database=", client->database, NULL);
	array_push_back(&args, &arg);
	array_append_zero(&args);
	return array_front(&args);
}

/* Returns 0 or an error of errno.h. */
static int client_spawn(const struct sql_client *client, const int fds[],
			unsigned int count, pid_t *pid_r)
{
	const char *const *argv = client_arguments(client);
	posix_spawn_file_actions_t actions;
	unsigned int i;
	int ret;

	if ((ret = posix_spawn_file_actions_init(&actions)) != 0)
		return ret;
	for (i = 0; i < count && ret == 0; i++)
		ret = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	if (ret == 0)
		ret = posix_spawnp(pid_r, argv[0], &actions, NULL,
				   (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return ret;
}

/* Of all it says, warnings before it included, the error. */
static const char *client_error(int fd, int status)
{
	string_t *said = t_str_new(256);
	const char *const *line, *error;

	if (scratch_read(fd, said, &error) < 0)
		return error;
	for (line = t_strsplit(str_c(said), "\n"); *line != NULL; line++) {
		if (str_begins_with(*line, "ERROR"))
			return str_sanitize(*line, MAX_ERROR_LEN);
	}
	if (WIFSIGNALED(status))
		return t_strdup_printf("killed by signal %d",
				       WTERMSIG(status));
	return t_strdup_printf("exit code %d: %s", WEXITSTATUS(status),
			       str_sanitize(str_c(said), MAX_ERROR_LEN));
}

static int client_run(const struct sql_client *client, const int fds[],
		      unsigned int count, string_t *output,
		      const char **error_r)
{
	int status, ret;
	pid_t pid;

	if ((ret = client_spawn(client, fds, count, &pid)) != 0) {
		errno = ret;
		*error_r = t_strdup_printf("posix_spawn(%s) failed: %m%s",
			CLIENT, ret == ENOENT ?
			"; install mariadb-client" : "");
		return -1;
	}
	while ((ret = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (ret < 0) {
		*error_r = t_strdup_printf("waitpid(%s) failed: %m", CLIENT);
		return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		*error_r = client_error(fds[STDERR_FILENO], status);
		return -1;
	}
	return scratch_read(fds[STDOUT_FILENO], output, error_r);
}

int sql_client_run(const struct sql_client *client, const char *text,
		   string_t *output, const char **error_r)
{
	int fds[OPTIONS_FD + 1] = { -1, -1, -1, -1 }, ret = -1;
	unsigned int i, count = OPTIONS_FD;

	i_assert(client->password == NULL || client->user != NULL);
	fds[STDIN_FILENO] = scratch_open(text, strlen(text), error_r);
	fds[STDOUT_FILENO] = fds[STDIN_FILENO] < 0 ? -1 :
		scratch_open("", 0, error_r);
	fds[STDERR_FILENO] = fds[STDOUT_FILENO] < 0 ? -1 :
		scratch_open("", 0, error_r);
	if (fds[STDERR_FILENO] >= 0 && client->password != NULL) {
		count++;
		fds[OPTIONS_FD] = options_open(client, error_r);
	}
	if (fds[count - 1] >= 0)
		ret = client_run(client, fds, count, output, error_r);
	for (i = 0; i < N_ELEMENTS(fds); i++)
		i_close_fd(&fds[i]);
	return ret;
}
