#include "lib.h"
#include "hex-binary.h"
#include "live-sessions.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "seal-key-file.h"
#include "check-postfix.h"
#include "check.h"

#include <sysexits.h>

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

static void check_postfix(struct check *check)
{
	const char *name = "postfix", *value, *error;
	int ret;

	ret = check_postfix_get("lmtp_destination_recipient_limit", &value,
				&error);
	if (ret < 0) {
		check_warning(check, name, "its settings cannot be read: %s",
			      error);
	} else if (ret == 0) {
		check_ok(check, name, "it is not on this host; where it is, "
			"set lmtp_destination_recipient_limit = 1");
	} else if (strcmp(value, "1") != 0) {
		check_warning(check, name, "lmtp_destination_recipient_limit "
			"is %s: of a mail's recipients here all but one get it "
			"late, since each has a key of their own; run: postconf "
			"-e lmtp_destination_recipient_limit=1 && postfix "
			"reload", value);
	} else {
		check_ok(check, name, "lmtp_destination_recipient_limit is 1");
	}
}

void check_host(struct check *check)
{
	check_seal_key(check);
	check_anvil(check);
	check_postfix(check);
}
