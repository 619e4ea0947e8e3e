#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "mdbox-move.h"
#include "storage-keys.h"
#include "rekey-shared.h"
#include "rekey-worker-private.h"

#include <unistd.h>

/* What becomes of a mail. */
enum mail_fate {
	/* It is under a current key. */
	FATE_CURRENT,
	/* It is encrypted to the target. */
	FATE_REWRITE,
	/* It was expunged, and goes as with purge. */
	FATE_DROP,
	/* So does this one, but it does not need to: it has a current key. */
	FATE_DROP_ALONG,
	/* It goes on as it is: which key it is for is seen when nothing moves;
	   or it needs a key that must stay; or nobody can read it. */
	FATE_LATER,
	FATE_FAILED,
	FATE_UNREADABLE
};
#define FATES (FATE_UNREADABLE + 1)

struct mail_plan {
	enum mail_fate fate;
	/* The key it is under, if it is one of the user's. */
	struct storage_key *key;
	struct dcrypt_private_key *priv;
	const struct rekey_target *target;
	/* Why it is left as it is. */
	const char *error;
};

struct mdbox_work {
	struct rekey_worker *worker;
	const struct rekey_item *item;
	struct rekey_item_result *result;
	struct mdbox_move move;
	pool_t pool;
	ARRAY(struct mail_plan) plans;
	unsigned int fates[FATES];
	/* Shown as done already. */
	unsigned int mails_done;
	uoff_t bytes_done;
};

static void work_warn(struct mdbox_work *work, const char *what,
		      const char *error)
{
	if (work->item->again)
		return;
	e_warning(work->worker->params->event, "%s/%s%s is left as it is: %s",
		  rekey_dir_path(work->item->folder, work->item->dir),
		  work->item->name, what, error);
}

/*
 * progress
 */

static void work_show_progress(struct mdbox_work *work, uoff_t bytes)
{
	struct rekey_shared *shared = work->worker->shared;

	if (work->item->again)
		return;
	work->mails_done++;
	work->bytes_done += bytes;
	shared->mails_done++;
	shared->bytes_done += bytes;
}

/* What is to be done again has not been done. */
static void work_end_progress(struct mdbox_work *work, bool done)
{
	struct rekey_shared *shared = work->worker->shared;
	const uoff_t bytes = done ? work->item->size : 0;
	const unsigned int mails = done ? work->item->mails : 0;

	if (work->item->again)
		return;
	atomic_fetch_add(&shared->mails_done,
			 (unsigned long long)mails - work->mails_done);
	atomic_fetch_add(&shared->bytes_done,
			 (unsigned long long)bytes - work->bytes_done);
}

/*
 * plan
 */

static void plan_leave(struct mail_plan *plan, enum mail_fate fate,
		       const char *error)
{
	plan->fate = fate;
	plan->error = error;
}

/* The folder the mail is for: it can be read only with keys of the folder that
   it is in. Returns its GUID, or NULL if that cannot be said. */
static const char *
plan_find_folder(struct mdbox_work *work, const struct storage_mdbox_mail *mail,
		 const struct storage_key *key, bool *is_in_r)
{
	const struct storage_mdbox_ref *refs;
	unsigned int i, count;

	refs = storage_mdbox_get_refs(work->move.mdbox, mail->map_uid, &count);
	*is_in_r = FALSE;
	for (i = 0; i < count; i++) {
		if (key == NULL ? count == 1 :
		    strcmp(refs[i].folder->guid, key->key->guid) == 0) {
			*is_in_r = TRUE;
			return refs[i].folder->guid;
		}
	}
	/* in another folder than when it was encrypted, or in none */
	if (key == NULL)
		return NULL;
	return count > 0 ? refs[0].folder->guid : key->key->guid;
}

static void plan_plain(struct mdbox_work *work,
		       const struct storage_mdbox_mail *mail,
		       const struct mail_file *file, struct mail_plan *plan)
{
	const char *guid;
	bool is_in;

	/* of no bytes: there is nothing to encrypt */
	if (file->size == 0)
		return;
	guid = plan_find_folder(work, mail, NULL, &is_in);
	if (guid != NULL) {
		plan->target = rekey_worker_get_target(work->worker, guid);
		plan->fate = FATE_REWRITE;
		if (plan->target->error != NULL)
			plan_leave(plan, FATE_FAILED, plan->target->error);
	} else if (work->worker->params->locked) {
		plan_leave(plan, FATE_FAILED, "it is in several folders at "
			   "once or in none, and can have the key of one only");
	} else {
		plan->fate = FATE_LATER;
	}
}

static void plan_encrypted(struct mdbox_work *work,
			   const struct storage_mdbox_mail *mail,
			   const struct mail_file *file, struct mail_plan *plan)
{
	struct rekey_worker *worker = work->worker;
	const char *guid, *error;
	bool is_in;

	if (plan->key == NULL) {
		plan_leave(plan, FATE_UNREADABLE, t_strdup_printf(
			"it is encrypted to key %s, which the user does not "
			"have", file->header.key_id));
		return;
	}
	guid = plan_find_folder(work, mail, plan->key, &is_in);
	if (storage_keys_find_active(worker->params->keys, guid) == plan->key)
		return;
	/* only when nothing moves */
	if (!is_in && !worker->params->locked) {
		plan->fate = FATE_LATER;
		return;
	}
	plan->target = rekey_worker_get_target(worker, guid);
	if (plan->target->error != NULL)
		plan_leave(plan, FATE_FAILED, plan->target->error);
	else if (storage_key_open(worker->params->keys, plan->key, &plan->priv,
				  &error) <= 0)
		plan_leave(plan, FATE_FAILED, error);
	else
		plan->fate = FATE_REWRITE;
}

static void plan_mail(struct mdbox_work *work,
		      const struct storage_mdbox_mail *mail,
		      const struct mail_file *file, struct mail_plan *plan)
{
	plan->fate = FATE_CURRENT;
	if (file->crypt != MAIL_FILE_PLAIN)
		plan->key = storage_keys_find(work->worker->params->keys,
					      file->header.key_id);
	if (file->crypt == MAIL_FILE_DAMAGED) {
		plan_leave(plan, plan->key != NULL ? FATE_FAILED :
			   FATE_UNREADABLE, file->error);
	} else if (mail->refcount == 0 && !file->has_attachment_refs) {
		/* attachments in files of their own only Dovecot can take
		   along */
		plan->fate = plan->key != NULL &&
			storage_keys_find_active(work->worker->params->keys,
				plan->key->key->guid) == plan->key ?
			FATE_DROP_ALONG : FATE_DROP;
	} else if (file->crypt == MAIL_FILE_PLAIN) {
		plan_plain(work, mail, file, plan);
	} else {
		plan_encrypted(work, mail, file, plan);
	}
}

static const struct storage_mdbox_mail *
work_get_mail(const struct mdbox_work *work, unsigned int i)
{
	return array_idx(&work->move.mails, i);
}

static int work_open_mail(struct mdbox_work *work, unsigned int i,
			  struct mail_file *file_r, const char **error_r)
{
	const struct storage_mdbox_mail *mail = work_get_mail(work, i);

	return mail_file_open_record(work->move.fd, &work->move.st,
				     &work->move.line, mail->offset,
				     mail->size, file_r, error_r);
}

static int work_plan(struct mdbox_work *work, const char **error_r)
{
	const struct storage_mdbox_mail *mail;
	struct mail_plan *plan;
	struct mail_file file;

	array_foreach(&work->move.mails, mail) {
		if (work_open_mail(work, array_foreach_idx(&work->move.mails,
							   mail),
				   &file, error_r) < 0)
			return -1;
		plan = array_append_space(&work->plans);
		plan_mail(work, mail, &file, plan);
		work->fates[plan->fate]++;
	}
	return 0;
}

/*
 * work
 */

static void work_keep_key(struct mdbox_work *work, unsigned int i,
			  const struct mail_plan *plan)
{
	if (plan->error != NULL)
		work_warn(work, t_strdup_printf(" (map UID %u)",
			work_get_mail(work, i)->map_uid), plan->error);
	if (plan->key != NULL)
		work->worker->params->needed_keys[plan->key->idx] = 1;
}

/* At the end of out_fd. Returns 1, 0 if it cannot be encrypted anew, when
   nothing is written, or -1 on error. */
static int work_rewrite_mail(struct mdbox_work *work,
			     const struct mail_file *file,
			     struct mail_plan *plan, off_t begin,
			     const char **error_r)
{
	struct rekey_worker *worker = work->worker;
	const int fd = work->move.out_fd;
	struct mail_cipher_result result;
	const char *error;

	if (plan->fate == FATE_REWRITE &&
	    mail_file_rewrite(file, plan->priv, worker->params->algorithm,
			      plan->target->pub, fd, &result, &error) == 0)
		return 1;
	if (plan->fate != FATE_REWRITE)
		return 0;
	plan_leave(plan, FATE_FAILED, p_strdup(work->pool, error));
	work->fates[FATE_REWRITE]--;
	work->fates[FATE_FAILED]++;
	if (ftruncate(fd, begin) == 0 && lseek(fd, begin, SEEK_SET) == begin)
		return 0;
	*error_r = t_strdup_printf("ftruncate() failed: %m");
	return -1;
}

/* Returns 0, or -1 on error, which is of the file. */
static int work_mail(struct mdbox_work *work, unsigned int i,
		     const char **error_r)
{
	struct mail_plan *plan = array_idx_modifiable(&work->plans, i);
	struct mdbox_move *move = &work->move;
	off_t begin = lseek(move->out_fd, 0, SEEK_CUR), end;
	struct mail_file file;
	int ret;

	if (plan->fate == FATE_DROP || plan->fate == FATE_DROP_ALONG)
		return mdbox_move_add(move, begin, 0, error_r);
	if (work_open_mail(work, i, &file, error_r) < 0)
		return -1;
	rekey_worker_obey_rate(work->worker,
			       file.record_end - file.record_offset);
	ret = work_rewrite_mail(work, &file, plan, begin, error_r);
	if (ret == 0)
		ret = mail_file_copy_record(&file, move->out_fd, error_r);
	end = lseek(move->out_fd, 0, SEEK_CUR);
	if (ret >= 0 && (begin < 0 || end < begin)) {
		*error_r = t_strdup_printf("lseek() failed: %m");
		ret = -1;
	}
	return ret < 0 ? -1 : mdbox_move_add(move, begin, end - begin, error_r);
}

/* Returns 1 if written, 0 if stopped, -1 on error. */
static int work_write(struct mdbox_work *work, const char **error_r)
{
	const unsigned int count = array_count(&work->move.mails);
	unsigned int i;
	int ret;

	if (mdbox_move_create(&work->move, error_r) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (rekey_worker_is_stopped(work->worker))
			return 0;
		T_BEGIN {
			ret = work_mail(work, i, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
		if (ret < 0)
			return -1;
		work_show_progress(work, work_get_mail(work, i)->size);
	}
	return 1;
}

static void work_left(struct mdbox_work *work)
{
	const struct mail_plan *plan;

	array_foreach(&work->plans, plan) {
		if (plan->fate >= FATE_LATER)
			work_keep_key(work,
				      array_foreach_idx(&work->plans, plan),
				      plan);
	}
}

/* What there is to do has been done, and the rest is left as it is. */
static void work_done(struct mdbox_work *work, bool written)
{
	struct rekey_item_result *result = work->result;
	const struct stat *st = written ? &work->move.new_st : &work->move.st;

	work_left(work);
	result->needed_key = REKEY_NEEDS_MARKED;
	result->written = written;
	result->new_file_id = work->move.new_file_id;
	result->failed = work->fates[FATE_FAILED];
	result->unreadable = work->fates[FATE_UNREADABLE];
	result->inode = st->st_ino;
	result->size = st->st_size;
	if (result->failed > 0)
		result->state = REKEY_ITEM_FAILED;
	else if (result->unreadable > 0)
		result->state = REKEY_ITEM_UNREADABLE;
	else if (work->fates[FATE_LATER] > 0)
		result->state = REKEY_ITEM_TODO;
	else
		result->state = REKEY_ITEM_CURRENT;
	work_end_progress(work, result->state != REKEY_ITEM_TODO);
	if (written) {
		work->worker->shared->mails_written +=
			work->fates[FATE_REWRITE];
		work->worker->shared->bytes_written += work->item->size;
	}
}

/* As many of its mails as there may be are as they were, and need any key. */
static void work_failed(struct mdbox_work *work, const char *error)
{
	work_warn(work, "", error);
	work->result->state = REKEY_ITEM_FAILED;
	work->result->failed = I_MAX(array_count(&work->move.mails), 1);
	work_end_progress(work, TRUE);
}

/* Returns 1 if the file has been moved, 0 if not, for another time, -1 on
   error. */
static int work_move(struct mdbox_work *work, const char **error_r)
{
	int ret;

	if (!rekey_worker_has_space(work->worker, work->move.fd,
				    work->move.st.st_size))
		return 0;
	ret = work_write(work, error_r);
	/* none that could be rewritten after all */
	if (ret > 0 && work->fates[FATE_REWRITE] == 0 &&
	    work->fates[FATE_DROP] == 0)
		return 0;
	return ret <= 0 ? ret : mdbox_move_commit(&work->move, error_r);
}

static void work_run(struct mdbox_work *work)
{
	const char *error;
	int ret;

	if (!mdbox_move_is_whole(&work->move, &error) ||
	    work_plan(work, &error) < 0) {
		work_failed(work, error);
		return;
	}
	if (work->fates[FATE_REWRITE] == 0 && work->fates[FATE_DROP] == 0) {
		work_done(work, FALSE);
		return;
	}
	ret = work_move(work, &error);
	if (ret > 0) {
		work_done(work, TRUE);
	} else if (ret < 0) {
		work_failed(work, error);
	} else if (work->fates[FATE_REWRITE] == 0 &&
		   work->fates[FATE_DROP] == 0) {
		work_done(work, FALSE);
	} else {
		work->result->state = REKEY_ITEM_GONE;
		work_end_progress(work, FALSE);
	}
}

void rekey_worker_mdbox_item(struct rekey_worker *worker, unsigned int idx)
{
	const struct rekey_item *item = array_idx(worker->params->items, idx);
	struct mdbox_work work = {
		.worker = worker,
		.item = item,
		.result = &worker->params->results[idx],
	};
	const char *error;
	int ret;

	ret = mdbox_move_begin(item->mdbox, storage_mdbox_file_id(item->name),
			       &work.move, &error);
	if (ret == 0) {
		/* gone, or somebody appends to it */
		work.result->state = REKEY_ITEM_GONE;
		return;
	}
	if (ret < 0) {
		work_warn(&work, "", error);
		work.result->state = REKEY_ITEM_FAILED;
		work.result->failed = I_MAX(item->mails, 1);
		work_end_progress(&work, TRUE);
		return;
	}
	work.pool = pool_alloconly_create("pymailadmin mails of a file", 4096);
	p_array_init(&work.plans, work.pool, array_count(&work.move.mails));
	work_run(&work);
	pool_unref(&work.pool);
	mdbox_move_end(&work.move);
}
