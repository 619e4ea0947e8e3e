#include "backup-code.h"
#include "bytes.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* Without 0, o, 1, i and l, and without s, u and v. */
static const char alphabet[] = "23456789abcdefghjkmnpqrtwxyz";
#define ALPHABET_SIZE (sizeof(alphabet) - 1)
#define CHARS 12
#define GROUP 4

static char random_char(void)
{
	unsigned char byte;

	/* above the last whole round some would be likelier than others */
	do {
		bytes_random(&byte, 1);
	} while (byte >= 256 / ALPHABET_SIZE * ALPHABET_SIZE);
	return alphabet[byte % ALPHABET_SIZE];
}

void backup_code_generate(char code_r[BACKUP_CODE_SIZE])
{
	unsigned int i, size = 0;

	for (i = 0; i < CHARS; i++) {
		if (i > 0 && i % GROUP == 0)
			code_r[size++] = '-';
		code_r[size++] = random_char();
	}
	code_r[size] = '\0';
}

bool backup_code_parse(const char *text, char code_r[BACKUP_CODE_SIZE])
{
	char code[BACKUP_CODE_SIZE];
	unsigned int i, size = 0;

	for (i = 0; *text != '\0'; text++) {
		const char c = (char)(*text >= 'A' && *text <= 'Z' ?
				      *text - 'A' + 'a' : *text);

		if (c == ' ' || c == '-')
			continue;
		if (strchr(alphabet, c) == NULL || i == CHARS)
			return false;
		if (i > 0 && i % GROUP == 0)
			code[size++] = '-';
		code[size++] = c;
		i++;
	}
	if (i != CHARS)
		return false;
	code[size] = '\0';
	memcpy(code_r, code, sizeof(code));
	OPENSSL_cleanse(code, sizeof(code));
	return true;
}

void backup_code_hash(const struct secret_key *key, uint64_t account_id,
		      const char *code,
		      unsigned char hash_r[BACKUP_CODE_HASH_SIZE])
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%llu %s",
		       (unsigned long long)account_id, code);
	secret_key_hmac(key, "backup codes", text, strlen(text), hash_r);
	OPENSSL_cleanse(text, sizeof(text));
}
