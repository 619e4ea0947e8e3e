#ifndef REKEY_PROCESS_H
#define REKEY_PROCESS_H

/* A process that re-encrypts the stored mail of one user (rekey.h), started
   and watched from one that does other things meanwhile. Its log is the
   starter's. One thread. */

#include "rekey-shared.h"

struct mail_user;
struct pymailadmin_settings;
struct seal_private_key;

struct rekey_process_params {
	struct event *event;
	const struct pymailadmin_settings *set;
	/* Only used until rekey_process_start() returns. */
	struct mail_user *user;
	const char *home, *base_dir, *key_password;
	/* The new process forgets it. */
	const struct seal_private_key *seal_key;
	/* The mailbox is open already. */
	bool background;
};

struct rekey_process {
	pid_t pid;
	/* What it says of itself; read-only but for stop and background. */
	struct rekey_shared *shared;
};

/* Starts it with the privileges the caller has at the moment. It ends when the
   caller does. Returns 0, or -1 on error. */
int rekey_process_start(const struct rekey_process_params *params,
			struct rekey_process *process_r, const char **error_r);
/* Has it ended? With wait, waits until it has. Its result is in shared. */
bool rekey_process_has_ended(struct rekey_process *process, bool wait);
void rekey_process_free(struct rekey_process *process);

#endif
