#ifndef REKEY_WORKER_PRIVATE_H
#define REKEY_WORKER_PRIVATE_H

/* What a worker's parts share: rekey-worker.c has mails that are files of their
   own, rekey-worker-mdbox.c those in an mdbox. */

#include "hash-decl.h"
#include "rekey-batch.h"

/* What mails of a folder are encrypted to. */
struct rekey_target {
	struct storage_key *key;
	struct dcrypt_public_key *pub;
	/* Why there is none, or NULL. */
	char *error;
};

struct rekey_worker {
	const struct rekey_worker_params *params;
	struct rekey_shared *shared;
	struct rekey_batch *batch;
	/* of the folder worked on */
	const struct storage_folder *folder;
	const struct rekey_target *target;
	/* by GUID */
	HASH_TABLE(const char *, struct rekey_target *) targets;
	bool nice;
};

bool rekey_worker_is_stopped(const struct rekey_worker *worker);
/* Wait until the rate lets so many bytes through. */
void rekey_worker_obey_rate(struct rekey_worker *worker, uoff_t bytes);
/* Is there room for so many bytes where the file is? Else everybody stops. */
bool rekey_worker_has_space(struct rekey_worker *worker, int fd, uoff_t bytes);
/* By the GUID of a folder, which lives as long as the worker. */
const struct rekey_target *
rekey_worker_get_target(struct rekey_worker *worker, const char *guid);

/* The item is a file of an mdbox. */
void rekey_worker_mdbox_item(struct rekey_worker *worker, unsigned int idx);

#endif
