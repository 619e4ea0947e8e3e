#include "request-state.h"

#include <string.h>

static const char *const kind_names[REQUEST_KIND_COUNT] = {
	[REQUEST_KIND_PASSWORD] = "password",
	[REQUEST_KIND_CREATE] = "create",
	[REQUEST_KIND_DELETE] = "delete",
};

const char *request_kind_name(enum request_kind kind)
{
	return kind_names[kind];
}
