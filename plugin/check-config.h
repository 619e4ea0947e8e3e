#ifndef CHECK_CONFIG_H
#define CHECK_CONFIG_H

/* dovecot.conf as all its processes see it: doveadm itself drops what is not
   for the protocol doveadm, so its binary configuration is read once more.
   -o options of the command line do not count: no server sees them. */

struct check_config;

/* Returns 0, or -1 on error. config_fd stays the caller's. */
int check_config_init(int config_fd, struct check_config **config_r,
		      const char **error_r);
void check_config_deinit(struct check_config **config);

/* The event to look settings up with that a protocol's processes see, "" for
   one that has none of its own. The caller unrefs it. */
struct event *check_config_event(struct check_config *config,
				 const char *protocol);

/* Is this what dovecot.conf says now? doveadm may have been given what the
   running Dovecot has read. Returns 1 if it is, 0 if not, -1 if it cannot be
   read. */
int check_config_is_current(struct check_config *config, const char *path,
			    const char **error_r);

/* Is this what the Dovecot running at base_dir has read? Returns 1 if it is, 0
   if not, -1 if that cannot be told. */
int check_config_is_running(struct check_config *config, const char *base_dir,
			    const char **error_r);

#endif
