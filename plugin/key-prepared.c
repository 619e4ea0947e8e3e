#include "lib.h"
#include "dcrypt.h"
#include "key-change-private.h"

static const char *crypt_key_name(const struct crypt_key *key)
{
	return t_strconcat(key->guid, "/", key->id, NULL);
}

bool key_change_is_abandoned(const struct key_change *change,
			     const struct crypt_key *key)
{
	return change->inbox_guid != NULL &&
		strcmp(change->inbox_guid, key->guid) != 0;
}

struct prepared_key *
key_change_find(struct key_change *change, const struct crypt_key *key)
{
	struct prepared_key *prepared;

	if (key->wrapped == NULL)
		return NULL;
	prepared = hash_table_lookup(change->prepared, crypt_key_name(key));
	if (prepared == NULL)
		return NULL;
	if (strcmp(prepared->wrapped, key->wrapped) == 0 ||
	    null_strcmp(prepared->new_wrapped, key->wrapped) == 0)
		return prepared;
	return NULL;
}

struct prepared_key *
key_change_add(struct key_change *change, const struct crypt_key *key)
{
	struct prepared_key *prepared;
	const char *name = crypt_key_name(key);

	prepared = hash_table_lookup(change->prepared, name);
	if (prepared == NULL) {
		prepared = p_new(change->pool, struct prepared_key, 1);
		name = p_strdup(change->pool, name);
		hash_table_insert(change->prepared, name, prepared);
	} else if (prepared->priv != NULL) {
		dcrypt_key_unref_private(&prepared->priv);
	}
	i_zero(prepared);
	prepared->wrapped = p_strdup(change->pool, key->wrapped);
	return prepared;
}

int key_change_check_wrapped(const struct crypt_key *key, const char *wrapped,
			     const char *password,
			     struct dcrypt_private_key *by,
			     const char **error_r)
{
	struct crypt_key copy = *key;
	struct dcrypt_private_key *priv;

	copy.wrapped = wrapped;
	if (crypt_key_open(&copy, password, by, &priv, error_r) == 0)
		return -1;
	dcrypt_key_unref_private(&priv);
	return 0;
}
