#include "lib.h"
#include "array.h"
#include "mail-user.h"
#include "live-sessions.h"
#include "mailbox-lock.h"
#include "process-memory.h"
#include "storage-keys.h"
#include "rekey-private.h"

#define MAILBOX_LOCK_WAIT_MSECS (10*1000)

bool rekey_end(struct rekey *rekey, enum rekey_result result,
	       const char *outcome, const char *fmt, ...)
{
	struct rekey_shared *shared = rekey->shared;
	va_list args;

	va_start(args, fmt);
	T_BEGIN {
		(void)i_strocpy(shared->outcome, outcome,
				sizeof(shared->outcome));
		(void)i_strocpy(shared->reason, t_strdup_vprintf(fmt, args),
				sizeof(shared->reason));
	} T_END;
	va_end(args);
	shared->result = result;
	return FALSE;
}

void rekey_keep_folder(struct rekey *rekey, const char *guid)
{
	guid = p_strdup(rekey->kept_pool, guid);
	array_push_back(&rekey->kept_guids, &guid);
}

void rekey_keep_nothing(struct rekey *rekey)
{
	array_clear(&rekey->kept_guids);
	p_clear(rekey->kept_pool);
}

bool rekey_read_keys(struct rekey *rekey)
{
	const char *error;
	int ret;

	storage_keys_free(&rekey->keys);
	key_store_close(&rekey->store);
	ret = key_store_open(rekey->params.user, &rekey->store, &error);
	if (ret < 0)
		return rekey_end(rekey, REKEY_LATER, "keys_unreadable",
				 "reading the keys failed: %s", error);
	if (ret == 0 || array_is_empty(&rekey->store->user_keys))
		return rekey_end(rekey, REKEY_DONE, "done", "%s", "");
	if (storage_keys_init(rekey->store, rekey->params.key_password,
			      &rekey->keys, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "key_password",
				 "no user key opens: %s", error);
	return TRUE;
}

/* Have the active keys changed since the mails were encrypted to them? */
static bool keys_are_the_same(const struct storage_keys *before,
			      struct rekey *rekey)
{
	struct storage_folder *folder;
	const struct storage_key *then, *now;

	array_foreach_elem(&rekey->folders->folders, folder) {
		then = storage_keys_find_active((struct storage_keys *)before,
						folder->guid);
		now = storage_keys_find_active(rekey->keys, folder->guid);
		if (then != NULL &&
		    (now == NULL || strcmp(then->key->id, now->key->id) != 0))
			return FALSE;
	}
	return TRUE;
}

bool rekey_reread_keys(struct rekey *rekey)
{
	struct storage_keys *old_keys = rekey->keys;
	struct key_store *old_store = rekey->store;
	bool ok;

	rekey->keys = NULL;
	rekey->store = NULL;
	ok = rekey_read_keys(rekey);
	if (ok && !keys_are_the_same(old_keys, rekey))
		ok = rekey_end(rekey, REKEY_LATER, "keys_changed",
			       "the keys have been changed meanwhile");
	storage_keys_free(&old_keys);
	key_store_close(&old_store);
	return ok;
}

static void rekey_kick(void *context)
{
	struct rekey *rekey = context;
	unsigned int count;
	const char *error;

	if (live_sessions_kick(rekey->params.base_dir,
			       rekey->params.user->username, &count,
			       &error) < 0)
		e_warning(rekey->event, "ending sessions failed: %s", error);
	/* connecting has changed the effective user, which resets both */
	process_memory_protect();
	process_die_with_parent(rekey->parent);
}

bool rekey_lock_mailbox(struct rekey *rekey, struct mailbox_lock **lock_r)
{
	const char *error;
	int ret;

	ret = mailbox_lock_exclusive(rekey->params.home,
				     MAILBOX_LOCK_WAIT_MSECS, rekey_kick,
				     rekey, lock_r, &error);
	if (ret > 0)
		return TRUE;
	return rekey_end(rekey, REKEY_LATER, ret < 0 ? "lock" : "busy", "%s",
			 error);
}
