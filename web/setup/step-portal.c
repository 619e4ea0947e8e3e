#include "setup-private.h"
#include "arena.h"
#include "sealed-request.h"

#include <string.h>
#include <unistd.h>

#define PUBLIC_KEY_DEFAULT "/root/pymailadmin-seal.pub"

int setup_portal_ask(struct setup *setup, const char **error_r)
{
	static const struct {
		const char *key;
		enum message question;
		const char *value;
		bool nothing;
	} settings[] = {
		{ "base_url", MSG_setup_ask_base_url, "", false },
		{ "trusted_proxies", MSG_setup_ask_proxies, "127.0.0.1", true },
		{ "listen", MSG_setup_ask_listen, "127.0.0.1:8686", false },
		{ "max_mailboxes", MSG_setup_ask_max_mailboxes, "3", false },
		{ "max_aliases", MSG_setup_ask_max_aliases, "100", false },
	};
	unsigned int i;

	(void)error_r;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!setup_ask_setting(setup, settings[i].key,
				       setup_text(setup, settings[i].question),
				       settings[i].value, settings[i].nothing))
			return 0;
	}
	return 1;
}

/* The key itself, or a file that holds it. NULL, or what is wrong with it. */
static const char *read_key(struct setup *setup, const char *text,
			    const char **key_r)
{
	struct seal_public_key key;
	char line[SEAL_KEY_TEXT_SIZE];
	const char *error = NULL, *content;

	if (text[0] == '/') {
		if (setup_read_file(setup->arena, text, &content, &error) < 0)
			return error;
		if (content == NULL)
			return setup_text(setup, MSG_setup_wrong_file);
		text = content;
	}
	if (seal_public_key_parse(text, &key, &error) < 0)
		return error;
	(void)seal_public_key_to_text(&key, line);
	*key_r = arena_strdup(setup->arena, line);
	return NULL;
}

static const char *check_key(void *context, const char *answer)
{
	const char *key;

	return read_key(context, answer, &key);
}

int setup_seal_ask(struct setup *setup, const char **error_r)
{
	const char *value = setup_get(setup, "seal_key", NULL), *key, *answer;

	(void)error_r;
	setup_say(setup, MSG_setup_seal_about);
	if (value != NULL && read_key(setup, value, &key) != NULL)
		value = NULL;
	if (value == NULL && access(PUBLIC_KEY_DEFAULT, R_OK) == 0)
		value = PUBLIC_KEY_DEFAULT;
	answer = dialog_ask(&setup->dialog,
			    setup_text(setup, MSG_setup_ask_seal_key), value,
			    check_key, setup);
	if (answer == NULL || read_key(setup, answer, &key) != NULL)
		return 0;
	setup_set(setup, "seal_key", key);
	return 1;
}
