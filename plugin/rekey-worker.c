#include "lib.h"
#include "array.h"
#include "hash.h"
#include "dcrypt.h"
#include "sleep.h"
#include "mail-file.h"
#include "monotonic-time.h"
#include "pymailadmin-settings.h"
#include "storage-keys.h"
#include "rekey-shared.h"
#include "rekey-worker-private.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BACKGROUND_NICE 19
/* ioprio_set(2): this process, idle class */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)
#define RATE_POLL_MSECS 100

bool rekey_worker_is_stopped(const struct rekey_worker *worker)
{
	return worker->shared->stop || worker->shared->disk_full ||
		(worker->shared->no_exchange &&
		 worker->params->replace == NULL);
}

static void worker_be_nice(struct rekey_worker *worker)
{
	if (worker->nice || !worker->shared->background ||
	    worker->params->inline_worker)
		return;
	worker->nice = TRUE;
	/* neither is needed for the work to be right */
	(void)setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

void rekey_worker_obey_rate(struct rekey_worker *worker, uoff_t bytes)
{
	const uoff_t rate = worker->params->set->pymailadmin_rekey_rate;
	unsigned long long now, begin, next;

	if (rate == 0 || !worker->shared->background ||
	    worker->params->locked)
		return;
	now = monotonic_time_msecs();
	begin = worker->shared->rate_next_msecs;
	do {
		next = I_MAX(begin, now) + bytes * 1000 / rate;
	} while (!atomic_compare_exchange_weak(
			&worker->shared->rate_next_msecs, &begin, next));
	while (monotonic_time_msecs() < begin &&
	       !rekey_worker_is_stopped(worker))
		i_sleep_msecs(RATE_POLL_MSECS);
}

bool rekey_worker_has_space(struct rekey_worker *worker, int fd, uoff_t bytes)
{
	const uoff_t min_free = worker->params->set->pymailadmin_rekey_min_free;
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs) < 0)
		return TRUE;
	if ((uoff_t)vfs.f_bavail * vfs.f_frsize >= min_free + bytes)
		return TRUE;
	worker->shared->disk_full = TRUE;
	return FALSE;
}

static void worker_make_target(struct rekey_worker *worker, const char *guid,
			       struct rekey_target *target)
{
	struct dcrypt_private_key *priv;
	struct storage_key *key;
	const char *error;

	key = storage_keys_find_active(worker->params->keys, guid);
	if (key == NULL) {
		target->error = i_strdup("the folder has no key");
		return;
	}
	/* one that opens what is encrypted to it */
	if (storage_key_open(worker->params->keys, key, &priv, &error) <= 0 ||
	    storage_key_get_public(key, &target->pub, &error) < 0)
		target->error = i_strdup(error);
	else
		target->key = key;
}

const struct rekey_target *
rekey_worker_get_target(struct rekey_worker *worker, const char *guid)
{
	struct rekey_target *target = hash_table_lookup(worker->targets, guid);

	if (target == NULL) {
		target = i_new(struct rekey_target, 1);
		hash_table_insert(worker->targets, guid, target);
		worker_make_target(worker, guid, target);
	}
	return target;
}

static void worker_free_targets(struct rekey_worker *worker)
{
	struct hash_iterate_context *iter;
	struct rekey_target *target;
	const char *guid;

	iter = hash_table_iterate_init(worker->targets);
	while (hash_table_iterate(iter, worker->targets, &guid, &target)) {
		if (target->pub != NULL)
			dcrypt_key_unref_public(&target->pub);
		i_free(target->error);
		i_free(target);
	}
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&worker->targets);
}

static void worker_enter_folder(struct rekey_worker *worker,
				const struct storage_folder *folder)
{
	if (worker->folder == folder)
		return;
	rekey_batch_commit(worker->batch);
	worker->folder = folder;
	worker->target = rekey_worker_get_target(worker, folder->guid);
}

static void worker_set_result(struct rekey_worker *worker, unsigned int idx,
			      enum rekey_item_state state, uint64_t inode,
			      bool written)
{
	struct rekey_item_result *result = &worker->params->results[idx];
	const struct rekey_item *item =
		array_idx(worker->params->items, idx);

	result->state = state;
	result->inode = inode;
	result->written = written;
	if (!item->again) {
		worker->shared->mails_done++;
		worker->shared->bytes_done += item->size;
	}
}

static void worker_fail(struct rekey_worker *worker, unsigned int idx,
			enum rekey_item_state state, const char *error)
{
	const struct rekey_item *item =
		array_idx(worker->params->items, idx);

	worker_set_result(worker, idx, state, 0, FALSE);
	if (state == REKEY_ITEM_FAILED)
		worker->params->results[idx].failed = 1;
	else
		worker->params->results[idx].unreadable = 1;
	if (!item->again)
		e_warning(worker->params->event, "%s: %s/%s is left as it is: "
			  "%s", item->folder->vname,
			  rekey_dir_path(item->folder, item->dir), item->name,
			  error);
}

/* Which key, and how its mail is to be written anew. Returns 1 if so, 0 if the
   item is done with. */
static int worker_classify(struct rekey_worker *worker, unsigned int idx,
			   const struct mail_file *file,
			   struct dcrypt_private_key **priv_r)
{
	const struct rekey_item *item =
		array_idx(worker->params->items, idx);
	struct storage_key *key;
	const char *error;

	*priv_r = NULL;
	switch (file->crypt) {
	case MAIL_FILE_DAMAGED:
		key = storage_keys_find(worker->params->keys,
					file->header.key_id);
		if (key != NULL)
			worker->params->results[idx].needed_key = key->idx + 1;
		worker_fail(worker, idx, key != NULL ? REKEY_ITEM_FAILED :
			    REKEY_ITEM_UNREADABLE, file->error);
		return 0;
	case MAIL_FILE_PLAIN:
		if (file->size == 0) {
			/* there is nothing to encrypt */
			worker_set_result(worker, idx, REKEY_ITEM_CURRENT,
					  file->st.st_ino, FALSE);
			return 0;
		}
		if (file->format != STORAGE_FORMAT_MAILDIR || item->has_size ||
		    strstr(item->name, ",S=") != NULL)
			return 1;
		worker_set_result(worker, idx, REKEY_ITEM_NEEDS_SIZE, 0,
				  FALSE);
		return 0;
	case MAIL_FILE_ENCRYPTED:
		break;
	}
	if (strcmp(file->header.key_id, worker->target->key->key->id) == 0) {
		worker_set_result(worker, idx, REKEY_ITEM_CURRENT,
				  file->st.st_ino, FALSE);
		return 0;
	}
	key = storage_keys_find(worker->params->keys, file->header.key_id);
	if (key == NULL) {
		worker_fail(worker, idx, REKEY_ITEM_UNREADABLE,
			    t_strdup_printf("it is encrypted to key %s, which "
				"the user does not have", file->header.key_id));
		return 0;
	}
	worker->params->results[idx].needed_key = key->idx + 1;
	/* a mail that was in another folder when it was encrypted, or a folder
	   that has taken the place of another: only when nothing moves */
	if (strcmp(key->key->guid, item->folder->guid) != 0 &&
	    !worker->params->locked)
		return 0;
	if (storage_key_open(worker->params->keys, key, priv_r, &error) > 0)
		return 1;
	worker_fail(worker, idx, REKEY_ITEM_FAILED, error);
	return 0;
}

static void worker_rewrite(struct rekey_worker *worker, unsigned int idx,
			   struct mail_file *file,
			   struct dcrypt_private_key *priv)
{
	const struct rekey_item *item =
		array_idx(worker->params->items, idx);
	struct mail_cipher_result cipher_result;
	const char *error;
	int fd;

	if (!rekey_worker_has_space(worker, file->fd, file->st.st_size))
		return;
	rekey_worker_obey_rate(worker, file->st.st_size);
	if (rekey_worker_is_stopped(worker))
		return;
	if (rekey_batch_create_file(worker->batch, item, &fd, &error) < 0) {
		worker_fail(worker, idx, REKEY_ITEM_FAILED, error);
	} else if (mail_file_rewrite(file, priv, worker->params->algorithm,
				     worker->target->pub, fd, &cipher_result,
				     &error) < 0 ||
		   mail_file_copy_attributes(&file->st, fd, &error) < 0) {
		rekey_batch_drop_file(worker->batch);
		worker_fail(worker, idx, REKEY_ITEM_FAILED, error);
	} else {
		rekey_batch_add(worker->batch, idx, file);
	}
}

static void worker_item(struct rekey_worker *worker, unsigned int idx)
{
	const struct rekey_item *item =
		array_idx(worker->params->items, idx);
	struct dcrypt_private_key *priv;
	struct mail_file file;
	const char *error;
	int dir_fd, ret;

	if (item->mdbox != NULL) {
		rekey_worker_mdbox_item(worker, idx);
		return;
	}
	worker_enter_folder(worker, item->folder);
	if (worker->target->error != NULL) {
		worker_fail(worker, idx, REKEY_ITEM_FAILED,
			    worker->target->error);
		return;
	}
	ret = rekey_batch_enter(worker->batch, item, &dir_fd, &error);
	if (ret > 0)
		ret = mail_file_open(dir_fd, item->name, item->folder->format,
				     &file, &error);
	if (ret < 0) {
		worker_fail(worker, idx, REKEY_ITEM_FAILED, error);
	} else if (ret == 0) {
		worker_set_result(worker, idx, REKEY_ITEM_GONE, 0, FALSE);
	} else {
		if (worker_classify(worker, idx, &file, &priv) > 0)
			worker_rewrite(worker, idx, &file, priv);
		mail_file_close(&file);
	}
}

static void worker_written(unsigned int idx, int ret, uint64_t inode,
			   uoff_t size, const char *error, void *context)
{
	struct rekey_worker *worker = context;

	if (ret > 0) {
		worker->params->results[idx].needed_key = 0;
		worker_set_result(worker, idx, REKEY_ITEM_CURRENT, inode, TRUE);
		worker->shared->mails_written++;
		worker->shared->bytes_written += size;
	} else if (ret == 0) {
		worker_set_result(worker, idx, REKEY_ITEM_GONE, 0, FALSE);
	} else {
		worker_fail(worker, idx, REKEY_ITEM_FAILED, error);
	}
}

void rekey_worker_run(const struct rekey_worker_params *params)
{
	const unsigned int count = array_count(params->items);
	struct rekey_worker worker = {
		.params = params,
		.shared = params->shared,
	};
	const struct rekey_batch_params batch_params = {
		.shared = params->shared,
		.items = params->items,
		.replace = params->replace,
		.replace_context = params->replace_context,
		.callback = worker_written,
		.context = &worker,
	};
	unsigned long long idx;

	hash_table_create(&worker.targets, default_pool, 0, str_hash, strcmp);
	worker.batch = rekey_batch_init(&batch_params);
	while (!rekey_worker_is_stopped(&worker) &&
	       (idx = atomic_fetch_add(params->next, 1)) < count) T_BEGIN {
		worker_be_nice(&worker);
		worker_item(&worker, idx);
	} T_END;
	rekey_batch_commit(worker.batch);
	rekey_batch_deinit(&worker.batch);
	worker_free_targets(&worker);
}
