#include "setup-private.h"
#include "arena.h"
#include "names.h"
#include "settings-table.h"

#include <string.h>
#include <unistd.h>

struct proof {
	struct setup *setup;
	const char *address;
	/* As it is stored. */
	const char *hash;
	enum mailbox_hash_result result;
};

static const char *check_address(void *context, const char *answer)
{
	struct proof *proof = context;
	struct setup *setup = proof->setup;
	const char *error;

	if (setup_query_value(setup, arena_printf(setup->arena,
			"SELECT password FROM pymailadmin_mailbox "
			"WHERE address=%s", db_admin_quote(setup->db,
				setup->arena, answer)), &proof->hash,
			&error) < 0)
		return error;
	return proof->hash != NULL ? NULL :
		setup_text(setup, MSG_setup_wrong_mailbox);
}

static const char *check_password(void *context, const char *answer)
{
	struct proof *proof = context;

	proof->result = mailbox_hash_verify(proof->hash, answer);
	return proof->result != MAILBOX_HASH_WRONG ? NULL :
		setup_text(proof->setup, MSG_setup_wrong_mailbox_password);
}

/* "ARGON2ID" of "{ARGON2ID}$..." or "$argon2id$...", NULL if it cannot be
   told. */
static const char *scheme_of(struct arena *arena, const char *hash)
{
	static const char *const prefixes[][2] = {
		{ "$argon2id$", "ARGON2ID" }, { "$argon2i$", "ARGON2I" },
		{ "$2", "BLF-CRYPT" }, { "$6$", "SHA512-CRYPT" },
		{ "$5$", "SHA256-CRYPT" }, { "$1$", "MD5-CRYPT" },
	};
	unsigned int i;

	if (hash[0] == '{' && strchr(hash, '}') != NULL &&
	    strncmp(hash, "{CRYPT}", 7) != 0)
		return arena_strndup(arena, hash + 1,
				     strcspn(hash + 1, ".}"));
	if (hash[0] == '{')
		hash += strcspn(hash, "}") + 1;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncmp(hash, prefixes[i][0],
			    strlen(prefixes[i][0])) == 0)
			return prefixes[i][1];
	}
	return NULL;
}

static void say_scheme(struct setup *setup, const struct proof *proof)
{
	const char *scheme = scheme_of(setup->arena, proof->hash);
	enum mailbox_hash_scheme known;

	if (scheme == NULL)
		scheme = "?";
	if (proof->result == MAILBOX_HASH_UNKNOWN)
		setup_say(setup, MSG_setup_hash_unknown,
			  LANGUAGE_TEXT("scheme", scheme));
	else
		setup_say(setup, MSG_setup_hash_right,
			  LANGUAGE_TEXT("scheme", scheme));
	if (mailbox_hash_scheme_parse(scheme, &known))
		setup_set(setup, "password_scheme",
			  mailbox_hash_scheme_name(known));
}

static const char *check_imap_url(void *context, const char *answer)
{
	const char *host = strncmp(answer, "imap://", 7) == 0 ? answer + 7 :
		strncmp(answer, "imaps://", 8) == 0 ? answer + 8 : "";

	return host[0] != '\0' && strpbrk(host, "/@? ") == NULL ? NULL :
		setup_text((struct setup *)context, MSG_setup_wrong_imap);
}

static const char *check_readable(void *context, const char *answer)
{
	return answer[0] == '/' && access(answer, R_OK) == 0 ? NULL :
		setup_text((struct setup *)context, MSG_setup_wrong_file);
}

/* A log-in at the mail server itself. */
static int prove_login(struct setup *setup, const char *address,
		       const char *password, const char **error_r)
{
	const char *url, *ca = "";
	int ret;

	url = setup_ask_optional(setup, setup_text(setup, MSG_setup_ask_imap),
				 "", check_imap_url, setup);
	if (url != NULL && url[0] != '\0')
		ca = setup_ask_optional(setup,
					setup_text(setup, MSG_setup_ask_ca),
					"", check_readable, setup);
	if (url == NULL || ca == NULL)
		return 0;
	if (url[0] == '\0')
		return 1;
	ret = setup_imap_login(setup->arena, url, ca, address, password,
			       error_r);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		*error_r = setup_text(setup, MSG_setup_imap_refused,
				      LANGUAGE_TEXT("url", url));
		return -1;
	}
	setup_say(setup, MSG_setup_imap_right, LANGUAGE_TEXT("url", url));
	return 1;
}

static int prove(struct setup *setup, struct proof *proof,
		 const char **error_r)
{
	const char *password;
	int ret;

	password = dialog_ask_secret(&setup->dialog,
		setup_text(setup, MSG_setup_ask_mailbox_password,
			   LANGUAGE_TEXT("address", proof->address)),
		check_password, proof);
	if (password == NULL)
		return 0;
	say_scheme(setup, proof);
	ret = prove_login(setup, proof->address, password, error_r);
	dialog_forget(password);
	return ret;
}

int setup_hash_ask(struct setup *setup, const char **error_r)
{
	struct proof proof = { .setup = setup };
	int ret;

	setup_say(setup, MSG_setup_hash_about);
	proof.address = setup_ask_optional(setup,
		setup_text(setup, MSG_setup_ask_mailbox), "", check_address,
		&proof);
	if (proof.address == NULL)
		return 0;
	if (proof.address[0] == '\0') {
		setup_say(setup, MSG_setup_hash_skipped);
	} else {
		ret = prove(setup, &proof, error_r);
		if (ret <= 0)
			return ret;
	}
	return setup_ask_setting(setup, "password_scheme",
				 setup_text(setup, MSG_setup_ask_scheme),
				 "ARGON2ID", false) ? 1 : 0;
}
