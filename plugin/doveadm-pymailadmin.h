#ifndef DOVEADM_PYMAILADMIN_H
#define DOVEADM_PYMAILADMIN_H

/* What the commands of "doveadm pymailadmin" share: opening settings and
   database, reading secrets, and ending with the right exit code. */

#include "doveadm.h"

struct pymailadmin_settings;
struct request_row;
struct request_store;
struct seal_private_key;
struct seal_public_key;
struct seal_secrets;

extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_cancel;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_check;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_close;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_create;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_delete;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_encrypt;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_events;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_free;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_keygen;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_list;
extern struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_open;
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
	/* The user is one of many, of a mask or of all: that there is nothing to
	   do for it is no error. */
	bool listed;
};

/* Sets the exit code, unless one is set already; EX_TEMPFAIL wins. */
void pymailadmin_cmd_set_exit_code(int exit_code);
/* Logs the error and sets the exit code. */
void pymailadmin_cmd_fail(struct pymailadmin_cmd *cmd, int exit_code,
			  const char *fmt, ...) ATTR_FORMAT(3, 4);
/* After a signal, if not all mailboxes have had their turn. */
void pymailadmin_cmd_stopped(struct pymailadmin_cmd *cmd);
/* Everything but the settings. */
void pymailadmin_cmd_begin(struct pymailadmin_cmd *cmd,
			   struct doveadm_cmd_context *cctx);
/* Gets the settings, too. Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_init(struct pymailadmin_cmd *cmd,
			  struct doveadm_cmd_context *cctx);
/* Opens the database. Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_open_store(struct pymailadmin_cmd *cmd);
void pymailadmin_cmd_deinit(struct pymailadmin_cmd *cmd);

/* A parameter that is a number, from 1 to max; without it *value stays as it is.
   Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_get_number(struct pymailadmin_cmd *cmd, const char *name,
				unsigned int max, unsigned int *value);
/* The -u parameter. Returns FALSE after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_get_user(struct pymailadmin_cmd *cmd,
			      const char **username_r);
/* Is there a mailbox of that name? Returns FALSE after
   pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_has_mailbox(struct pymailadmin_cmd *cmd,
				 const char *username);
/* For the commands that act on users, as doveadm's own do: -u with a name or a
   mask, -A, -F. They are none of doveadm's mail commands, because those open the
   mail user first: what is asked for, half made, half deleted or closed could not
   be acted on. */
#define PYMAILADMIN_CMD_PARAMS_USERS \
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('A', "all-users", CMD_PARAM_BOOL, 0) \
DOVEADM_CMD_PARAM('F', "user-file", CMD_PARAM_ISTREAM, 0)
#define PYMAILADMIN_CMD_USAGE_USERS "-u <user> | -A | -F <file>"

enum pymailadmin_users {
	PYMAILADMIN_USERS_NONE,
	/* Named by -u; there need not be such a user. */
	PYMAILADMIN_USERS_ONE,
	PYMAILADMIN_USERS_MANY
};

typedef void
pymailadmin_user_callback_t(struct pymailadmin_cmd *cmd, const char *username,
			    void *context);

/* How many users are named? Returns FALSE after pymailadmin_cmd_fail() if they
   are named in several ways. */
bool pymailadmin_cmd_count_users(struct pymailadmin_cmd *cmd,
				 enum pymailadmin_users *users_r);
/* As above, and none is wrong, too. */
bool pymailadmin_cmd_need_users(struct pymailadmin_cmd *cmd);
/* Calls back for each. After an error it goes on with the next, unless the
   database that has been opened is away; the exit code is the highest, or
   EX_TEMPFAIL if one was that. */
void pymailadmin_cmd_users(struct pymailadmin_cmd *cmd,
			   pymailadmin_user_callback_t *callback,
			   void *context);

/* The newest request of the user. Returns FALSE after
   pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_get_request(struct pymailadmin_cmd *cmd,
				 const char *username, pool_t pool,
				 struct request_row **row_r);

/* This host's public seal key, from the private one. Returns FALSE after
   pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_get_public_key(struct pymailadmin_cmd *cmd,
				    struct seal_public_key *pub_r);
/* Sets the hash of secrets->new_password, if it can be one. Returns FALSE after
   pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_hash_new_password(struct pymailadmin_cmd *cmd,
				       const char *username,
				       struct seal_secrets *secrets);
/* Gives a new request its id, the time and its sealed part, for which there is
   room for SEALED_REQUEST_MAX; id_r for SEAL_REQUEST_ID_LEN + 1. Returns FALSE
   after pymailadmin_cmd_fail(). */
bool pymailadmin_cmd_seal(struct pymailadmin_cmd *cmd, struct request_row *row,
			  const struct seal_public_key *pub,
			  const struct seal_secrets *secrets, char *id_r,
			  unsigned char *sealed_r);
/* Of pymailadmin_event: who gives the command, as far as the kernel knows who
   logged in; "" if it does not. */
const char *pymailadmin_cmd_asked_by(void);

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
