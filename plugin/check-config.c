#include "lib.h"
#include "mmap-util.h"
#include "safe-memset.h"
#include "settings.h"
#include "check-command.h"
#include "check-config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct check_config {
	struct settings_root *root;
	int fd;
};

int check_config_init(int config_fd, struct check_config **config_r,
		      const char **error_r)
{
	const char *const *protocols;
	struct check_config *config;

	if (config_fd == -1) {
		*error_r = "there is no configuration; run check without -O";
		return -1;
	}
	config = i_new(struct check_config, 1);
	config->fd = config_fd;
	config->root = settings_root_init();
	if (settings_read(config->root, config_fd, "dovecot.conf", NULL, NULL,
			  SETTINGS_READ_NO_PROTOCOL_FILTER, &protocols,
			  error_r) < 0) {
		check_config_deinit(&config);
		return -1;
	}
	*config_r = config;
	return 0;
}

void check_config_deinit(struct check_config **_config)
{
	struct check_config *config = *_config;

	if (config == NULL)
		return;
	*_config = NULL;

	settings_root_deinit(&config->root);
	i_free(config);
}

struct event *check_config_event(struct check_config *config,
				 const char *protocol)
{
	struct event *event = event_create(NULL);

	event_set_ptr(event, SETTINGS_EVENT_ROOT, config->root);
	event_add_str(event, "protocol", protocol);
	return event;
}

/* Is all that can be read from fd the same as the configuration? Returns 1 if
   it is, 0 if not, -1 on error. */
static int config_compare(struct check_config *config, int fd,
			  const char **error_r)
{
	unsigned char buf[IO_BLOCK_SIZE];
	const unsigned char *data;
	size_t size, pos = 0;
	bool same = TRUE;
	ssize_t ret;

	data = mmap_ro_file(config->fd, &size);
	if (data == MAP_FAILED) {
		*error_r = t_strdup_printf("mmap(dovecot.conf) failed: %m");
		return -1;
	}
	while ((ret = read(fd, buf, sizeof(buf))) > 0) {
		if (same && (size_t)ret <= size - pos &&
		    memcmp(data + pos, buf, ret) == 0)
			pos += ret;
		else
			same = FALSE;
	}
	/* there may be passwords of databases in it */
	safe_memset(buf, 0, sizeof(buf));
	(void)munmap((void *)data, size);
	if (ret < 0) {
		*error_r = t_strdup_printf("read(dovecot.conf) failed: %m");
		return -1;
	}
	return same && pos == size ? 1 : 0;
}

int check_config_is_current(struct check_config *config, const char *path,
			    const char **error_r)
{
	/* doveconf tells whom it executes in which descriptor it is */
	const char *const argv[] = {
		"doveconf", "-c", path, "-F", "/bin/sh", "-c",
		"exec /bin/cat <&\"$DOVECOT_CONFIG_FD\"", NULL
	};
	struct check_command *command;
	int fd, ret;

	if (check_command_start(argv, &command, &fd, error_r) <= 0)
		return -1;
	ret = config_compare(config, fd, error_r);
	if (check_command_finish(&command, error_r) < 0)
		return -1;
	return ret;
}

int check_config_is_running(struct check_config *config, const char *base_dir,
			    const char **error_r)
{
	const char *path = t_strconcat(base_dir, "/dovecot.conf.binary", NULL);
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	ret = config_compare(config, fd, error_r);
	i_close_fd(&fd);
	return ret;
}
