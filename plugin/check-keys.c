#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "key-store.h"
#include "check.h"
#include "check-keys.h"

#include <sysexits.h>

struct key_counts {
	unsigned int all, active, clear, orphans;
	/* Of those that are not even keys. */
	unsigned int bad;
	const char *bad_id, *bad_error;
};

struct opened_key {
	const char *id;
	struct dcrypt_private_key *priv;
};
ARRAY_DEFINE_TYPE(opened_key, struct opened_key);

static bool key_ids_have(const ARRAY_TYPE(crypt_key) *keys, const char *id)
{
	struct crypt_key *key;

	array_foreach_elem(keys, key) {
		if (strcmp(key->id, id) == 0)
			return TRUE;
	}
	return FALSE;
}

static void keys_count(const ARRAY_TYPE(crypt_key) *keys,
		       const ARRAY_TYPE(crypt_key) *user_keys,
		       struct key_counts *counts)
{
	enum crypt_key_wrapping wrapping;
	const char *by, *error;
	struct crypt_key *key;

	i_zero(counts);
	array_foreach_elem(keys, key) {
		counts->all++;
		if (key->active)
			counts->active++;
		if (crypt_key_get_wrapping(key, &wrapping, &by, &error) < 0) {
			counts->bad++;
			counts->bad_id = key->id;
			counts->bad_error = error;
		} else if (wrapping == CRYPT_KEY_WRAPPING_NONE) {
			counts->clear++;
		} else if (wrapping == CRYPT_KEY_WRAPPING_KEY &&
			   !key->user_key && !key_ids_have(user_keys, by)) {
			counts->orphans++;
		}
	}
}

static void check_user_keys(struct check *check,
			    const struct key_counts *counts,
			    const char *username)
{
	const char *name = "user keys";

	if (counts->all == 0) {
		check_warning(check, name, "there is none: mail to the mailbox "
			"is deferred until its owner has saved a first message "
			"in it, such as a draft");
	} else if (counts->bad > 0) {
		check_error(check, name, EX_DATAERR, "key %s is damaged: %s; "
			"take it from a backup of the attribute dict",
			counts->bad_id, counts->bad_error);
	} else if (counts->active == 0) {
		check_error(check, name, EX_DATAERR, "of %u none is active, "
			"and mail to the mailbox is deferred; take \"active\" "
			"from a backup of the attribute dict", counts->all);
	} else if (counts->clear > 0) {
		check_warning(check, name, "%u of %u are stored in the clear; "
			"a change of the password encrypts them: doveadm "
			"pymailadmin request password -u %s", counts->clear,
			counts->all, username);
	} else {
		check_ok(check, name, "%u, active %u", counts->all,
			 counts->active);
	}
}

static void check_folder_keys(struct check *check,
			      const struct key_counts *counts,
			      const char *username)
{
	const char *name = "folder keys";

	if (counts->bad > 0) {
		check_warning(check, name, "%u of %u are damaged, such as %s: "
			"%s; what they encrypt cannot be read, unless there is "
			"a backup of the attribute dict", counts->bad,
			counts->all, counts->bad_id, counts->bad_error);
	} else if (counts->orphans > 0) {
		check_warning(check, name, "%u of %u belong to a user key that "
			"is gone; what they encrypt cannot be read, unless "
			"there is a backup of the attribute dict",
			counts->orphans, counts->all);
	} else if (counts->clear > 0) {
		check_warning(check, name, "%u of %u are stored in the clear; "
			"a change of the password encrypts them: doveadm "
			"pymailadmin request password -u %s", counts->clear,
			counts->all, username);
	} else {
		check_ok(check, name, "%u, active %u", counts->all,
			 counts->active);
	}
}

void check_keys(struct check *check, struct key_store *keys,
		const char *username)
{
	struct key_counts counts;
	const char *error;

	if (crypt_key_init(&error) < 0) {
		check_error(check, "user keys", EX_SOFTWARE, "%s", error);
		return;
	}
	keys_count(&keys->user_keys, &keys->user_keys, &counts);
	check_user_keys(check, &counts, username);
	keys_count(&keys->folder_keys, &keys->user_keys, &counts);
	check_folder_keys(check, &counts, username);
}

/* Returns the number of user keys that do not open, with the last's error. */
static unsigned int
user_keys_open(struct key_store *keys, const char *key_password,
	       ARRAY_TYPE(opened_key) *opened, const char **error_r)
{
	struct dcrypt_private_key *priv;
	struct opened_key *dest;
	struct crypt_key *key;
	unsigned int failed = 0;
	const char *error;

	array_foreach_elem(&keys->user_keys, key) {
		if (crypt_key_open(key, key_password, NULL, &priv,
				   &error) > 0) {
			dest = array_append_space(opened);
			dest->id = key->id;
			dest->priv = priv;
		} else {
			failed++;
			*error_r = t_strdup_printf("user key %s: %s", key->id,
						   error);
		}
	}
	return failed;
}

/* Returns the number of folder keys that do not open. */
static unsigned int folder_keys_open(struct key_store *keys,
				     const ARRAY_TYPE(opened_key) *opened)
{
	const struct opened_key *user_key;
	struct dcrypt_private_key *priv;
	struct crypt_key *key;
	unsigned int failed = 0;
	const char *error;
	bool open;

	array_foreach_elem(&keys->folder_keys, key) T_BEGIN {
		open = FALSE;
		array_foreach(opened, user_key) {
			if (!open && crypt_key_open(key, NULL, user_key->priv,
						    &priv, &error) > 0) {
				dcrypt_key_unref_private(&priv);
				open = TRUE;
			}
		}
		if (!open)
			failed++;
	} T_END;
	return failed;
}

void check_keys_open(struct check *check, struct key_store *keys,
		     const char *key_password)
{
	const char *name = "keys open", *error;
	ARRAY_TYPE(opened_key) opened;
	struct opened_key *user_key;
	unsigned int failed;

	t_array_init(&opened, 8);
	failed = user_keys_open(keys, key_password, &opened, &error);
	if (failed > 0) {
		check_error(check, name, EX_DATAERR, "what "
			"pymailadmin_key_password makes of the password does "
			"not open %s; if the line login is ok, the hash was "
			"changed without the keys: put the hash back that they "
			"belong to", error);
	} else if ((failed = folder_keys_open(keys, &opened)) > 0) {
		check_warning(check, name, "the user keys do, %u of %u folder "
			"keys do not: what they encrypt cannot be read",
			failed, array_count(&keys->folder_keys));
	} else {
		check_ok(check, name, "with what pymailadmin_key_password "
			 "makes of the password");
	}
	array_foreach_modifiable(&opened, user_key)
		dcrypt_key_unref_private(&user_key->priv);
}
