#ifndef DOVEADM_PYMAILADMIN_H
#define DOVEADM_PYMAILADMIN_H

/* What the commands of "doveadm pymailadmin" share: opening settings and
   database, reading secrets, and ending with the right exit code. */

#include "doveadm.h"

struct pymailadmin_settings;
struct request_row;
struct request_store;
struct seal_private_key;

extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_cancel;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_check;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_delete;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_encrypt;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_events;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_free;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_keygen;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_process;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_request_password;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_retry;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_status;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_undelete;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_upgrade;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_verify;

struct pymailadmin_cmd {
	struct doveadm_cmd_context *cctx;
	struct event *event;
	const struct pymailadmin_settings *set;
	struct request_store *store;
};

/* Sets the exit code, unless one is set already; EX_TEMPFAIL wins. */
void pymailadmin_cmd_set_exit_code(int exit_code);
/* Logs the error and sets the exit code. */
void pymailadmin_cmd_fail(struct pymailadmin_cmd *cmd, int exit_code,
			  const char *fmt, ...) ATTR_FORMAT(3, 4);
/* Everything but the settings. */
void pymailadmin_cmd_begin(struct pymailadmin_cmd *cmd,
			   struct doveadm_cmd_context *cctx);
/* Gets the settings, too. Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_init(struct pymailadmin_cmd *cmd,
			  struct doveadm_cmd_context *cctx);
/* Opens the database. Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_open_store(struct pymailadmin_cmd *cmd);
void pymailadmin_cmd_deinit(struct pymailadmin_cmd *cmd);

/* The -u parameter. Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_get_user(struct pymailadmin_cmd *cmd,
			      const char **username_r);
/* The newest request of the user. Returns FALSE after
   pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_get_request(struct pymailadmin_cmd *cmd,
				 const char *username, pool_t pool,
				 struct request_row **row_r);

/* Reads one secret of at most size-1 bytes: asks for it on the terminal, twice
   if confirm is set, else takes a line of standard input. Returns FALSE after
   pymailadmin_cmd_fail(). The caller wipes it. */
bool pymailadmin_cmd_read_secret(struct pymailadmin_cmd *cmd,
				 const char *prompt, bool confirm,
				 char *secret_r, size_t size);

/* Shows how the newest request of the user goes on until it has ended. */
void pymailadmin_cmd_follow(struct pymailadmin_cmd *cmd, const char *username);

/* Who works on a request: host, process and its start time. */
const char *pymailadmin_owner_self(void);
/* Does the owner's process not exist any more? FALSE if it is on another
   host. */
bool pymailadmin_owner_is_gone(const char *owner);

#endif
