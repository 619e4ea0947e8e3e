#include "lib.h"
#include "mmap-util.h"
#include "settings.h"
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

int check_config_is_running(struct check_config *config, const char *base_dir,
			    const char **error_r)
{
	const char *path = t_strconcat(base_dir, "/dovecot.conf.binary", NULL);
	size_t our_size, size;
	void *ours, *theirs;
	int fd, ret = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	ours = mmap_ro_file(config->fd, &our_size);
	theirs = mmap_ro_file(fd, &size);
	if (ours == MAP_FAILED || theirs == MAP_FAILED) {
		*error_r = t_strdup_printf("mmap(%s) failed: %m", path);
	} else {
		ret = size == our_size && memcmp(ours, theirs, size) == 0 ?
			1 : 0;
	}
	if (ours != MAP_FAILED && our_size > 0)
		(void)munmap(ours, our_size);
	if (theirs != MAP_FAILED && size > 0)
		(void)munmap(theirs, size);
	i_close_fd(&fd);
	return ret;
}
