/* What somebody tries who has a sealed request and keys that might open it:
   reads lines with the sealed request in hexadecimal, address, request id,
   time and kind, then private keys in hexadecimal. Prints the number of each
   that opens it, and the old password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealed-request.h"

/* Of the key, in a sealed request: where sealed-request.h says. */
#define KEY_ID_OFFSET 5

static char *read_line(char *line, int size)
{
	if (fgets(line, size, stdin) == NULL)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static size_t parse_hex(const char *text, unsigned char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t len = 0;

	for (; len < size && text[0] != '\0' && text[1] != '\0'; text += 2) {
		high = strchr(digits, text[0]);
		low = strchr(digits, text[1]);
		if (high == NULL || low == NULL)
			break;
		out[len++] = (unsigned char)((high - digits) << 4 |
					     (low - digits));
	}
	return len;
}

/* That it is said to be for another key stops nobody. */
static int try_key(const char *hex, const struct seal_binding *binding,
		   unsigned char *sealed, size_t size,
		   struct seal_secrets *secrets_r)
{
	char text[256];
	struct seal_private_key priv;
	struct seal_public_key pub;
	const char *error;

	(void)snprintf(text, sizeof(text), "pymailadmin-seal-private:1:%s",
		       hex);
	if (seal_private_key_parse(text, &priv, &error) < 0 ||
	    seal_private_to_public(&priv, &pub, &error) < 0)
		return 0;
	seal_public_key_id(&pub, sealed + KEY_ID_OFFSET);
	return sealed_request_open(&priv, binding, sealed, size, secrets_r,
				   &error) == 0;
}

int main(void)
{
	static char hex[2 * SEALED_REQUEST_MAX + 2], line[256];
	static char address[512], id[64];
	unsigned char sealed[SEALED_REQUEST_MAX];
	struct seal_secrets secrets;
	struct seal_binding binding;
	unsigned int number = 0;
	size_t size;

	memset(&binding, 0, sizeof(binding));
	if (read_line(hex, sizeof(hex)) == NULL)
		return 1;
	size = parse_hex(hex, sealed, sizeof(sealed));
	binding.address = read_line(address, sizeof(address));
	binding.request_id = read_line(id, sizeof(id));
	if (read_line(line, sizeof(line)) == NULL)
		return 1;
	binding.created = strtoull(line, NULL, 10);
	if (read_line(line, sizeof(line)) == NULL ||
	    !request_kind_parse(line, &binding.kind))
		return 1;
	for (; read_line(line, sizeof(line)) != NULL; number++) {
		if (try_key(line, &binding, sealed, size, &secrets) != 0)
			printf("%u %s\n", number, secrets.old_password);
	}
	return 0;
}
