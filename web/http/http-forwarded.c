#include "http-forwarded.h"

#include <string.h>
#include <strings.h>

#define HEADER_MAX 1024

/* The last element of the list, which is cut there. Returns false if it is no
   address. */
static bool last_address(const char *list, size_t *len,
			 struct network_address *address_r)
{
	char text[NETWORK_ADDRESS_TEXT_SIZE];
	size_t end = *len, start;

	while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
		end--;
	for (start = end; start > 0 && list[start - 1] != ','; start--)
		;
	*len = start == 0 ? 0 : start - 1;
	while (start < end && (list[start] == ' ' || list[start] == '\t'))
		start++;
	if (start == end || end - start >= sizeof(text))
		return false;
	memcpy(text, list + start, end - start);
	text[end - start] = '\0';
	return network_address_parse(text, address_r) &&
		!address_r->is_unix;
}

static bool client_address(const char *list, const struct network *trusted,
			   size_t trusted_count,
			   struct network_address *address_r)
{
	struct network_address address;
	size_t len = strnlen(list, HEADER_MAX + 1);

	if (len > HEADER_MAX)
		return false;
	do {
		if (!last_address(list, &len, &address))
			return false;
	} while (len > 0 &&
		 network_list_contains(trusted, trusted_count, &address));
	*address_r = address;
	return true;
}

void http_forwarded(const struct network_address *peer,
		    const char *forwarded_for, const char *forwarded_proto,
		    const struct network *trusted, size_t trusted_count,
		    struct http_forwarded *forwarded_r)
{
	forwarded_r->address = *peer;
	forwarded_r->secure = false;
	if (!network_list_contains(trusted, trusted_count, peer))
		return;
	if (forwarded_for != NULL)
		(void)client_address(forwarded_for, trusted, trusted_count,
				     &forwarded_r->address);
	forwarded_r->secure = forwarded_proto != NULL &&
		strcasecmp(forwarded_proto, "https") == 0;
}
