/* Seals a request as the portal does, for tests: reads lines with public key,
   address, request id, time, old password, new password, hash and kind, prints
   the sealed request in hexadecimal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealed-request.h"

static char *read_line(void)
{
	static char lines[8][1024];
	static unsigned int count;
	char *line = lines[count++];

	if (fgets(line, sizeof(lines[0]), stdin) == NULL)
		exit(1);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void copy(char *field, size_t size, const char *text)
{
	if ((size_t)snprintf(field, size, "%s", text) >= size)
		exit(1);
}

int main(void)
{
	unsigned char sealed[SEALED_REQUEST_MAX];
	struct seal_public_key pub;
	struct seal_secrets secrets;
	struct seal_binding binding;
	const char *error;
	size_t size;

	memset(&secrets, 0, sizeof(secrets));
	if (seal_public_key_parse(read_line(), &pub, &error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	binding.address = read_line();
	binding.request_id = read_line();
	binding.created = strtoull(read_line(), NULL, 10);
	copy(secrets.old_password, sizeof(secrets.old_password), read_line());
	copy(secrets.new_password, sizeof(secrets.new_password), read_line());
	copy(secrets.new_hash, sizeof(secrets.new_hash), read_line());
	if (!request_kind_parse(read_line(), &binding.kind))
		return 1;
	if (sealed_request_seal(&pub, &binding, &secrets, sealed, &size,
				&error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	for (size_t i = 0; i < size; i++)
		printf("%02x", sealed[i]);
	putchar('\n');
	return 0;
}
