#ifndef WEB_STORES_H
#define WEB_STORES_H

/* One command of web-stores.c. */

#include "account.h"
#include "arena.h"
#include "buffer.h"
#include "db.h"
#include "sealed-request.h"
#include "secret-key.h"

#define CALL_ARGS_MAX 12
#define WINDOW_SECS 900

struct call {
	struct arena *arena;
	struct db *db;
	const char *args[CALL_ARGS_MAX];
	unsigned int count;
	const char *error;
	struct buffer answer;
};

struct command {
	const char *name;
	unsigned int args;
	/* Returns what the store has returned. */
	int (*run)(struct call *call);
};

extern const struct command account_commands[], mailbox_commands[];
extern struct seal_public_key call_seal_key;
extern const struct secret_key call_secret_key;

uint64_t call_number(const struct call *call, unsigned int i);
/* NULL for "". */
const char *call_optional(const struct call *call, unsigned int i);
/* Of an e-mail address; one that has nothing if there is none. */
struct account *call_account(struct call *call, unsigned int i);

#endif
