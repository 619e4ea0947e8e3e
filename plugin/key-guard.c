#include "lib.h"
#include "array.h"
#include "mail-user.h"
#include "dcrypt.h"
#include "settings.h"
#include "pymailadmin-settings.h"
#include "key-store.h"
#include "key-guard.h"

/* Deliveries need public keys only. doveadm says what it cannot read, deletes
   nothing for it, and is how an admin repairs a mailbox whose keys no longer
   open. The others hand mail out. */
static bool key_guard_is_needed(struct mail_user *user,
				const char *key_password)
{
	if (user->autocreated)
		return FALSE;
	if (strcmp(user->protocol, "lmtp") == 0 ||
	    strcmp(user->protocol, "lda") == 0 ||
	    strcmp(user->protocol, "doveadm") == 0)
		return FALSE;
	/* without a key password IMAP cannot lose mail: it stops at the first
	   body */
	return key_password[0] != '\0' || strcmp(user->protocol, "pop3") == 0;
}

/* Returns 1 if a key opens or need not, 0 if there are keys and none does. If
   an INBOX lost its GUID there are active keys of both: one is enough. */
static int key_guard_check_keys(struct key_store *store,
				const char *key_password, const char **error_r)
{
	enum crypt_key_wrapping wrapping;
	struct dcrypt_private_key *priv;
	struct crypt_key *key;
	const char *by, *error = NULL;

	array_foreach_elem(&store->user_keys, key) {
		if (!key->active)
			continue;
		/* wrapped to a key the admin keeps: not ours to judge */
		if (crypt_key_get_wrapping(key, &wrapping, &by, &error) == 0 &&
		    wrapping == CRYPT_KEY_WRAPPING_KEY)
			return 1;
		if (crypt_key_open(key, key_password, NULL, &priv,
				   &error) > 0) {
			dcrypt_key_unref_private(&priv);
			return 1;
		}
		*error_r = t_strdup_printf("user key %s does not open: %s",
					   key->id, error);
	}
	return error == NULL ? 1 : 0;
}

int key_guard_check(struct mail_user *user, const char **error_r)
{
	const struct pymailadmin_crypt_settings *set;
	struct key_store *store;
	int ret;

	if (settings_get(user->event, &pymailadmin_crypt_setting_parser_info,
			 0, &set, error_r) < 0)
		return -1;
	if (!key_guard_is_needed(user, set->crypt_user_key_password)) {
		settings_free(set);
		return 1;
	}
	ret = key_store_open(user, &store, error_r);
	if (ret <= 0) {
		/* no attribute dict: no keys */
		settings_free(set);
		return ret < 0 ? -1 : 1;
	}
	if (!array_is_empty(&store->user_keys) && crypt_key_init(error_r) < 0)
		ret = -1;
	else
		ret = key_guard_check_keys(store, set->crypt_user_key_password,
					   error_r);
	key_store_close(&store);
	settings_free(set);
	return ret;
}
