#include "http-encoding.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool weight_is_zero(const char *params, size_t len)
{
	const char *end = params + len;

	while (params < end && strchr(" \t;", *params) != NULL)
		params++;
	if (end - params < 3 || strncasecmp(params, "q=0", 3) != 0)
		return false;
	for (params += 3; params < end; params++) {
		if (*params >= '1' && *params <= '9')
			return false;
	}
	return true;
}

bool http_encodings_have_gzip(const char *header)
{
	size_t len, name_len;

	if (header == NULL)
		return false;
	for (;;) {
		header += strspn(header, " \t,");
		if (*header == '\0')
			return false;
		len = strcspn(header, ",");
		name_len = strcspn(header, " \t;,");
		if (name_len == 4 && strncasecmp(header, "gzip", 4) == 0)
			return !weight_is_zero(header + name_len,
					       len - name_len);
		header += len;
	}
}
