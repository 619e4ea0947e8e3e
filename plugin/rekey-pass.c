#include "lib.h"
#include "array.h"
#include "mail-storage.h"
#include "process-memory.h"
#include "pymailadmin-settings.h"
#include "rekey-shared.h"
#include "rekey-worker.h"
#include "rekey-private.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fewer are not worth a process. */
#define PASS_MIN_MAILS_PER_WORKER 16
#define PASS_MAX_WORKERS 64

struct pass {
	struct rekey *rekey;
	const ARRAY_TYPE(rekey_item) *items;
	/* mapped, shared with the workers */
	struct pass_memory *memory;
	size_t memory_size;
	/* mapped behind the results, by index of the key */
	atomic_uchar *needed_keys;
	struct rekey_worker_params worker;
	pid_t workers[PASS_MAX_WORKERS];
	unsigned int workers_count;
	bool worker_died;
};

struct pass_memory {
	atomic_ullong next;
	struct rekey_item_result results[];
};

static bool pass_map_memory(struct pass *pass)
{
	void *memory;

	const size_t results_size = sizeof(struct pass_memory) +
		array_count(pass->items) * sizeof(struct rekey_item_result);

	pass->memory_size = results_size +
		array_count(&pass->rekey->store->folder_keys);
	memory = mmap(NULL, pass->memory_size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return rekey_end(pass->rekey, REKEY_LATER, "memory",
				 "mmap() failed: %m");
	pass->memory = memory;
	pass->needed_keys = PTR_OFFSET(memory, results_size);
	return TRUE;
}

static void pass_count_totals(struct pass *pass)
{
	struct rekey_shared *shared = pass->rekey->shared;
	const struct rekey_item *item;

	array_foreach(pass->items, item) {
		if (item->again)
			continue;
		shared->mails_total += item->mails;
		shared->bytes_total += item->size;
	}
}

static unsigned int pass_get_workers_count(const struct pass *pass)
{
	unsigned int count = pass->rekey->params.set->pymailadmin_rekey_workers;
	const struct rekey_item *item;
	unsigned int mails = 0;

	if (pass->rekey->replace_locked)
		return 1;
	if (count == 0)
		count = I_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	array_foreach(pass->items, item)
		mails += item->mails;
	count = I_MIN(count, mails / PASS_MIN_MAILS_PER_WORKER);
	count = I_MIN(count, array_count(pass->items));
	return I_MIN(I_MAX(count, 1), PASS_MAX_WORKERS);
}

static void ATTR_NORETURN pass_worker(struct pass *pass, pid_t parent)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();

	/* Nothing but the mailbox is needed from here on; sets the saved ids,
	   too. */
	if (setregid(gid, gid) < 0 || setreuid(uid, uid) < 0)
		i_fatal("setreuid(%s) failed: %m", dec2str(uid));
	/* after the change of user, which resets both */
	process_memory_protect();
	process_die_with_parent(parent);
	rekey_worker_run(&pass->worker);
	/* not exit(): what is open belongs to the parent */
	_exit(0);
}

static void pass_start_workers(struct pass *pass, unsigned int count)
{
	const pid_t parent = getpid();
	pid_t pid;

	while (pass->workers_count < count) {
		pid = fork();
		if (pid == 0)
			pass_worker(pass, parent);
		if (pid == -1) {
			e_warning(pass->rekey->event, "fork() failed: %m");
			break;
		}
		pass->workers[pass->workers_count++] = pid;
	}
}

static void pass_wait_workers(struct pass *pass)
{
	unsigned int i;
	int status;

	for (i = 0; i < pass->workers_count; i++) {
		while (waitpid(pass->workers[i], &status, 0) < 0 &&
		       errno == EINTR) ;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			pass->worker_died = TRUE;
	}
}

static void pass_work(struct pass *pass)
{
	const unsigned int count = pass_get_workers_count(pass);
	struct storage_mdbox *mdbox;

	if (count > 1) {
		array_foreach_elem(rekey_list_get_mdboxes(pass->rekey->list),
				   mdbox)
			storage_mdbox_close_map(mdbox);
		pass_start_workers(pass, count);
		pass_wait_workers(pass);
	}
	/* the rest, if there are no workers */
	pass->worker.inline_worker = TRUE;
	if (!pass->worker_died)
		rekey_worker_run(&pass->worker);
}

static void pass_record_sizes(struct pass *pass)
{
	struct rekey *rekey = pass->rekey;
	const struct storage_folder *folder = NULL;
	struct rekey_item_result *result;
	const struct rekey_item *item;
	struct mailbox *box = NULL;
	const char *error;
	int ret;

	array_foreach(pass->items, item) {
		result = &pass->memory->results[
			array_foreach_idx(pass->items, item)];
		if (result->state != REKEY_ITEM_NEEDS_SIZE)
			continue;
		if (item->folder != folder) {
			if (box != NULL)
				mailbox_free(&box);
			folder = item->folder;
			box = rekey_folder_open(rekey, folder);
		}
		error = "its size cannot be recorded: the folder does not open";
		ret = box == NULL ? -1 :
			rekey_folder_record_size(rekey, box, item, &error);
		if (ret > 0) {
			rekey_list_set_has_size(rekey->list, item);
			rekey->progress++;
		} else if (ret < 0) {
			if (!item->again)
				e_warning(rekey->event, "%s: %s: %s",
					  folder->vname, item->name, error);
			result->state = REKEY_ITEM_FAILED;
			result->failed = 1;
		}
	}
	if (box != NULL)
		mailbox_free(&box);
}

/* Of an mdbox: those of all its folders. */
static void pass_keep_place(struct rekey *rekey, const struct rekey_item *item)
{
	struct storage_folder *folder;

	if (item->mdbox == NULL) {
		rekey_keep_folder(rekey, item->folder->guid);
		return;
	}
	array_foreach_elem(&rekey->folders->folders, folder) {
		if (folder->place == item->folder)
			rekey_keep_folder(rekey, folder->guid);
	}
}

/* A mail that was left as it is needs its key; if that is not known, all its
   folder has. */
static void pass_keep_keys(struct rekey *rekey, const struct rekey_item *item,
			   const struct rekey_item_result *result)
{
	const bool needed = TRUE;

	if (result->needed_key == REKEY_NEEDS_MARKED)
		;
	else if (result->needed_key > 0)
		array_idx_set(&rekey->needed_keys, result->needed_key - 1,
			      &needed);
	else
		pass_keep_place(rekey, item);
}

static void pass_keep_marked_keys(struct pass *pass)
{
	const bool needed = TRUE;
	unsigned int i, count;

	count = array_count(&pass->rekey->store->folder_keys);
	for (i = 0; i < count; i++) {
		if (pass->needed_keys[i] != 0)
			array_idx_set(&pass->rekey->needed_keys, i, &needed);
	}
}

static void pass_take_result(struct pass *pass, const struct rekey_item *item,
			     const struct rekey_item_result *result)
{
	struct rekey *rekey = pass->rekey;

	rekey_list_set_result(rekey->list, item, result);
	rekey->failed += result->failed;
	rekey->unreadable += result->unreadable;
	/* what a part of it was left for may be another time */
	if (result->written)
		rekey->progress++;
	switch (result->state) {
	case REKEY_ITEM_CURRENT:
		break;
	case REKEY_ITEM_GONE:
		/* it may be found under another name, or in another place */
		rekey->progress++;
		rekey->moved = TRUE;
		break;
	case REKEY_ITEM_FAILED:
		pass_keep_keys(rekey, item, result);
		break;
	case REKEY_ITEM_UNREADABLE:
		break;
	case REKEY_ITEM_TODO:
	case REKEY_ITEM_NEEDS_SIZE:
		pass_keep_keys(rekey, item, result);
		break;
	}
}

static bool pass_end(struct pass *pass)
{
	struct rekey *rekey = pass->rekey;
	struct rekey_shared *shared = rekey->shared;

	if (pass->worker_died)
		return rekey_end(rekey, REKEY_LATER, "worker",
				 "a process that re-encrypts mail died");
	if (shared->stop)
		return rekey_end(rekey, REKEY_STOPPED, "", "%s", "");
	if (shared->disk_full)
		return rekey_end(rekey, REKEY_LATER, "disk_full",
			"too little disk space is free "
			"(pymailadmin_rekey_min_free)");
	if (shared->no_exchange && !rekey->replace_locked) {
		e_info(rekey->event, "the file system cannot exchange files: "
		       "mails are replaced one by one, under locks");
		rekey->replace_locked = TRUE;
		rekey->progress++;
	}
	return TRUE;
}

bool rekey_pass(struct rekey *rekey)
{
	struct pass pass = {
		.rekey = rekey,
	};
	const struct rekey_item *item;
	const char *error;
	bool ret;

	if (rekey_list_read(rekey->list, !rekey->temp_removed, &error) < 0)
		return rekey_end(rekey, REKEY_LATER, "folders", "%s", error);
	rekey->temp_removed = TRUE;
	pass.items = rekey_list_get_items(rekey->list);
	if (!pass_map_memory(&pass))
		return FALSE;
	pass_count_totals(&pass);
	pass.worker = (struct rekey_worker_params) {
		.event = rekey->event,
		.set = rekey->params.set,
		.shared = rekey->shared,
		.keys = rekey->keys,
		.algorithm = rekey->crypt_set->crypt_write_algorithm,
		.items = pass.items,
		.results = pass.memory->results,
		.next = &pass.memory->next,
		.needed_keys = pass.needed_keys,
		.locked = rekey->locked,
		.replace = rekey->replace_locked ? rekey_folder_replace : NULL,
		.replace_context = rekey,
	};
	rekey->progress = rekey->failed = rekey->unreadable = 0;
	rekey->moved = FALSE;
	array_clear(&rekey->needed_keys);
	rekey_keep_nothing(rekey);
	pass_work(&pass);
	pass_record_sizes(&pass);
	array_foreach(pass.items, item) {
		pass_take_result(&pass, item, &pass.memory->results[
			array_foreach_idx(pass.items, item)]);
	}
	pass_keep_marked_keys(&pass);
	ret = pass_end(&pass);
	if (munmap(pass.memory, pass.memory_size) < 0)
		e_error(rekey->event, "munmap() failed: %m");
	return ret;
}
