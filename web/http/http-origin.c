#include "http-origin.h"
#include "http-request.h"

#include <string.h>
#include <strings.h>

bool http_origin_is_ours(const struct http_request *request,
			 const char *base_url)
{
	const char *site = request->sec_fetch_site;

	/* "none": by the person's own doing, such as a bookmark. */
	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return false;
	return request->origin == NULL ||
		strcasecmp(request->origin, base_url) == 0;
}
