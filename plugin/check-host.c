#include "lib.h"
#include "hex-binary.h"
#include "read-full.h"
#include "check-command.h"
#include "live-sessions.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "seal-key-file.h"
#include "check.h"

#include <sysexits.h>
#include <unistd.h>

#define POSTFIX_LIMIT "lmtp_destination_recipient_limit"
#define POSTFIX_VALUE_MAX 128

static void check_seal_key(struct check *check)
{
	const char *path = check->set->pymailadmin_seal_key_path;
	const char *name = "seal key", *error;
	struct seal_private_key priv;
	struct seal_public_key pub;
	unsigned char id[SEAL_KEY_ID_SIZE];
	char text[SEAL_KEY_TEXT_SIZE];
	int ret;

	ret = seal_key_file_read(path, &priv, &error);
	if (ret > 0) {
		ret = seal_private_to_public(&priv, &pub, &error) < 0 ? -1 : 1;
		seal_private_key_wipe(&priv);
	}
	if (ret <= 0) {
		check_error(check, name, EX_CONFIG, ret == 0 ? "%s; make the "
			"key with: doveadm pymailadmin keygen" : "%s; put it "
			"right, or make a new key, to which nothing filed "
			"until now opens: doveadm pymailadmin keygen --force",
			error);
		return;
	}
	seal_public_key_id(&pub, id);
	(void)seal_public_key_to_text(&pub, text);
	check_ok(check, name, "key %s in %s; the portal must have the line %s",
		 binary_to_hex(id, sizeof(id)), path, text);
}

static void check_anvil(struct check *check)
{
	const char *name = "anvil", *error;
	unsigned int count;

	if (!check->running)
		return;
	if (!check_socket(check, "anvil", &error) ||
	    live_sessions_kick(check->base_dir, CHECK_NOBODY, &count,
			       &error) < 0) {
		check_error(check, name, EX_UNAVAILABLE, "sessions cannot be "
			"ended, and changes of passwords would wait for them "
			"in vain: %s", error);
	} else {
		check_ok(check, name, "sessions can be ended");
	}
}

/* Returns 1 and the parameter's value, 0 if there is no Postfix on this host,
   -1 on error. */
static int postfix_get_limit(const char **value_r, const char **error_r)
{
	const char *const argv[] = { "postconf", "-h", POSTFIX_LIMIT, NULL };
	char value[POSTFIX_VALUE_MAX] = "";
	struct check_command *command;
	int fd, ret;

	ret = check_command_start(argv, &command, &fd, error_r);
	if (ret <= 0)
		return ret;
	/* 0 is what it should be: the value is shorter */
	ret = read_full(fd, value, sizeof(value) - 1);
	if (check_command_finish(&command, error_r) < 0)
		return -1;
	*value_r = t_strdup(t_strcut(value, '\n'));
	if (ret == 0 && **value_r != '\0')
		return 1;
	*error_r = "postconf says nothing";
	return -1;
}

static void check_postfix(struct check *check)
{
	const char *name = "postfix", *value, *error;
	int ret;

	ret = postfix_get_limit(&value, &error);
	if (ret < 0) {
		check_warning(check, name, "its settings cannot be read: %s; "
			"see to it that "POSTFIX_LIMIT" is 1", error);
	} else if (ret == 0) {
		check_ok(check, name, "it is not on this host; where it is, "
			 "set "POSTFIX_LIMIT" = 1");
	} else if (strcmp(value, "1") != 0) {
		check_warning(check, name, POSTFIX_LIMIT" is %s: of a mail's "
			"recipients here all but one get it late, since each "
			"has a key of their own; run: postconf -e "
			POSTFIX_LIMIT"=1 && postfix reload", value);
	} else {
		check_ok(check, name, POSTFIX_LIMIT" is 1");
	}
}

void check_host(struct check *check)
{
	check_seal_key(check);
	check_anvil(check);
	check_postfix(check);
}
