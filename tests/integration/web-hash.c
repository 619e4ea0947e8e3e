/* Mailbox hashes as the portal makes and verifies them. Standard input has a
   scheme and a password on a line each, answered with a hash; or a hash that
   begins with { or $, answered right, wrong or unknown. With an argument the
   cost is small. */

#include "mailbox-hash.h"

#include <stdio.h>
#include <string.h>

static const char *const results[] = {
	[MAILBOX_HASH_WRONG] = "wrong",
	[MAILBOX_HASH_RIGHT] = "right",
	[MAILBOX_HASH_UNKNOWN] = "unknown",
};

int main(int argc, char **argv)
{
	struct mailbox_hash_cost cost = mailbox_hash_cost_default;
	char word[1024], password[1024], hash[MAILBOX_HASH_SIZE];
	enum mailbox_hash_scheme scheme;

	(void)argv;
	if (argc > 1)
		cost = (struct mailbox_hash_cost){
			.argon2_memory = 19456, .argon2_time = 2,
			.argon2_parallelism = 2, .bcrypt_cost = 10,
			.sha_rounds = 100000, .pbkdf2_rounds = 100000,
		};
	while (fgets(word, sizeof(word), stdin) != NULL &&
	       fgets(password, sizeof(password), stdin) != NULL) {
		word[strcspn(word, "\n")] = '\0';
		password[strcspn(password, "\n")] = '\0';
		if (word[0] == '{' || word[0] == '$')
			puts(results[mailbox_hash_verify(word, password)]);
		else if (mailbox_hash_scheme_parse(word, &scheme) &&
			 mailbox_hash_generate(scheme, &cost, password, hash))
			puts(hash);
		else
			puts("none");
		fflush(stdout);
	}
	return 0;
}
