#ifndef REQUEST_STORE_PRIVATE_H
#define REQUEST_STORE_PRIVATE_H

#include "request-store.h"

/* Times are UTC DATETIMEs, whatever the session's time zone. */
#define REQUEST_SQL_TO_EPOCH(col) \
	"TIMESTAMPDIFF(SECOND,'1970-01-01 00:00:00'," col ")"

struct module;

struct request_store {
	struct event *event;
	struct sql_db *db;
	struct module *modules;
	char *backend;
};

#endif
