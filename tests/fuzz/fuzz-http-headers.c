/* A line each: X-Forwarded-For, X-Forwarded-Proto, Accept-Encoding, Origin,
   Sec-Fetch-Site. */

#define _GNU_SOURCE /* strsep() */
#include "fuzz.h"

#include "arena.h"
#include "http-encoding.h"
#include "http-forwarded.h"
#include "http-origin.h"
#include "http-request.h"

#include <stdlib.h>
#include <string.h>

#define LINES 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	char *text = arena_strndup(arena, (const char *)data, size);
	char *lines[LINES] = { NULL };
	char address[NETWORK_ADDRESS_TEXT_SIZE];
	struct network_address peer, again;
	struct http_request request = { .arena = arena };
	struct http_forwarded forwarded;
	struct network trusted;
	unsigned int i;

	for (i = 0; i < LINES && text != NULL; i++)
		lines[i] = strsep(&text, "\n");
	if (!network_address_parse("127.0.0.1", &peer) ||
	    !network_parse("127.0.0.0/8", &trusted))
		abort();
	http_forwarded(&peer, lines[0], lines[1], &trusted, 1, &forwarded);
	network_address_text(&forwarded.address, address);
	if (!network_address_parse(address, &again) ||
	    memcmp(again.bytes, forwarded.address.bytes,
		   sizeof(again.bytes)) != 0)
		abort();
	(void)network_parse(lines[0], &trusted);
	(void)http_encodings_have_gzip(lines[2]);
	request.origin = lines[3];
	request.sec_fetch_site = lines[4];
	(void)http_origin_is_ours(&request, "https://mail.example.org");
	arena_free(&arena);
	return 0;
}
