#include "token.h"
#include "bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void token_generate(char token_r[TOKEN_SIZE])
{
	unsigned char bytes[TOKEN_LEN / 2];

	bytes_random(bytes, sizeof(bytes));
	bytes_to_hex(bytes, sizeof(bytes), token_r);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

bool token_hash(const char *text, unsigned char hash_r[TOKEN_HASH_SIZE])
{
	unsigned char bytes[TOKEN_LEN / 2];
	bool ok;

	if (text == NULL || !bytes_from_hex(text, bytes, sizeof(bytes)))
		return false;
	ok = EVP_Digest(text, TOKEN_LEN, hash_r, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (!ok)
		abort();
	return true;
}
