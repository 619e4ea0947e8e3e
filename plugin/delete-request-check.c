#include "lib.h"
#include "array.h"
#include "mail-storage-service.h"
#include "mail-user.h"
#include "deletion-store.h"
#include "mailbox-removal.h"
#include "process-memory.h"
#include "user-lookup.h"
#include "delete-request-private.h"

#include <sys/stat.h>

void deletion_close_user(struct deletion *deletion)
{
	if (deletion->user != NULL)
		mail_user_deinit(&deletion->user);
	mail_storage_service_restore_privileges(deletion->old_euid,
						deletion->old_cwd,
						deletion->ctx->event);
}

/* Returns 1, 0 if there is no such user, -1 on error. */
static int lookup(struct deletion *deletion, const char *address,
		  const char **error_r)
{
	int ret = user_lookup(deletion->ctx->storage_service, deletion->event,
			      address, &deletion->user, error_r);

	/* looking up has changed the effective user */
	process_memory_protect();
	return ret;
}

/* Has another one a home that would go, too? */
static enum deletion_result
check_neighbour(struct deletion *deletion, const char *address)
{
	enum deletion_result result = DELETION_OK;
	const char *home, *error;
	int ret = lookup(deletion, address, &error);

	if (ret < 0)
		result = deletion_stop(deletion, DELETION_LATER, "user_lookup",
			"looking up %s failed: %s", address, error);
	else if (ret > 0 && mail_user_get_home(deletion->user, &home) > 0 &&
		 (path_is_inside(path_plain(home), deletion->home) ||
		  path_is_inside(deletion->home, path_plain(home))))
		result = deletion_stop(deletion, deletion_or_later(deletion), "no_home",
			"%s is not this mailbox's alone: %s has %s",
			deletion->home, address, home);
	deletion_close_user(deletion);
	return result;
}

static enum deletion_result check_neighbours(struct deletion *deletion)
{
	enum deletion_result result = DELETION_OK;
	ARRAY_TYPE(const_string) addresses;
	const char *address, *error;

	t_array_init(&addresses, 32);
	if (deletion_store_list_neighbours(deletion->ctx->store,
			deletion->row->address, pool_datastack_create(),
			&addresses, &error) < 0)
		return deletion_database_failed(deletion, error);
	array_foreach_elem(&addresses, address) {
		if (result == DELETION_OK)
			result = check_neighbour(deletion, address);
	}
	return result;
}

/* Dovecot does not know it, while it is being destroyed. An administrator who has
   deleted its row has ended that. */
static enum deletion_result find_row(struct deletion *deletion,
				     const char *lookup_error)
{
	const char *hash, *error;
	int ret;

	ret = request_store_get_hash(deletion->ctx->store,
				     deletion->row->address, &hash, &error);
	if (ret < 0)
		return deletion_database_failed(deletion, error);
	if (ret > 0)
		return deletion_stop(deletion, DELETION_LATER, "stuck", "%s",
				     lookup_error);
	if (deletion->row->state == REQUEST_STATE_SWITCHING)
		return deletion_stop(deletion, DELETION_FAIL,
			"unknown_mailbox", "the mailbox's row was deleted "
			"while its keys were being destroyed: they and its "
			"mail may be left, and nobody can say any more where");
	e_warning(deletion->event, "the mailbox's row was deleted while its "
		  "mail was being deleted: some of that may be left, and "
		  "nobody can say any more where; its keys are destroyed");
	return DELETION_OK;
}

static enum deletion_result find_user(struct deletion *deletion)
{
	const char *home, *error;
	int ret = lookup(deletion, deletion->row->address, &error);

	if (ret < 0)
		return deletion_stop(deletion, DELETION_LATER, "user_lookup",
			"looking up the user failed: %s", error);
	if (ret == 0 && deletion->row->state == REQUEST_STATE_REKEYING) {
		/* only what told others of the deletion is left */
		ret = deletion_store_get_home(deletion->ctx->store,
					      deletion->row, &home, &error);
		if (ret < 0)
			return deletion_database_failed(deletion, error);
		if (ret > 0)
			deletion->home = i_strdup(path_plain(home));
		return DELETION_OK;
	}
	if (ret == 0 && request_deletion_has_begun(deletion->row->state))
		return find_row(deletion, t_strdup(error));
	if (ret == 0)
		return deletion_stop(deletion, DELETION_FAIL, "unknown_user",
				     "%s", error);
	if (mail_user_get_home(deletion->user, &home) <= 0)
		return deletion_stop(deletion, deletion_or_later(deletion), "no_home",
			"the mailbox has no home directory");
	i_free(deletion->home);
	deletion->home = i_strdup(path_plain(home));
	return DELETION_OK;
}

/* A mailbox that was never used has no home; nor has one whose storage is not
   mounted. */
static enum deletion_result check_home(struct deletion *deletion)
{
	const char *parent, *error;
	struct stat st;

	if (mailbox_removal_check_home(deletion->home,
				       deletion->user->username, &error) == 0)
		return deletion_stop(deletion, deletion_or_later(deletion), "no_home",
				     "%s", error);
	deletion->home_exists = lstat(deletion->home, &st) == 0;
	if (deletion->home_exists)
		return DELETION_OK;
	/* so that there is a lock for those who come meanwhile */
	if (mkdir(deletion->home, 0700) == 0) {
		deletion->home_exists = deletion->home_made = TRUE;
		return DELETION_OK;
	}
	parent = t_strdup_until(deletion->home, strrchr(deletion->home, '/'));
	if (stat(parent, &st) < 0)
		return deletion_stop(deletion, DELETION_LATER, "no_home",
			"%s is not there, nor what it would be in: is the "
			"storage mounted? If it is, make the directory %s",
			deletion->home, parent);
	return DELETION_OK;
}

static enum deletion_result check_keys(struct deletion *deletion)
{
	const char *error;
	int ret;

	ret = mailbox_removal_check_keys(deletion->user, deletion->home,
					 &error);
	if (ret > 0)
		return DELETION_OK;
	return deletion_stop(deletion, ret < 0 ? DELETION_LATER :
			     deletion_or_later(deletion), "keys_unreadable",
			     "destroying the keys cannot begin: %s", error);
}

enum deletion_result deletion_open_mailbox(struct deletion *deletion)
{
	enum deletion_result result;

	result = find_user(deletion);
	if (result != DELETION_OK || deletion->user == NULL)
		return result;
	result = check_home(deletion);
	if (result == DELETION_OK &&
	    deletion->row->state == REQUEST_STATE_CLAIMED) {
		deletion_close_user(deletion);
		result = check_neighbours(deletion);
		if (result == DELETION_OK)
			result = find_user(deletion);
	}
	if (result == DELETION_OK)
		result = check_keys(deletion);
	return result;
}
