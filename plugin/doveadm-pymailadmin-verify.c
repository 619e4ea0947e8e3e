#include "lib.h"
#include "array.h"
#include "safe-memset.h"
#include "str.h"
#include "str-sanitize.h"
#include "master-service.h"
#include "mail-storage-service.h"
#include "mail-user.h"
#include "sealed-request.h"
#include "doveadm-print.h"
#include "key-password.h"
#include "monotonic-time.h"
#include "process-memory.h"
#include "storage-clear.h"
#include "storage-verify.h"
#include "user-lookup.h"
#include "doveadm-pymailadmin.h"

#include <stdio.h>
#include <unistd.h>

/* doveadm pymailadmin verify -u <user> | -A | -F <file> [--full]

   One line per folder: how many of its mails are encrypted to which of the
   user's keys. What else there is to say stands on standard error: mails that
   nobody can read, what Dovecot keeps in the clear, what was not looked at.

   Exit codes: 0 all mails are encrypted to current keys (--full: and whole)
     1 some are not, or some folders cannot be looked at, but all can be read
     65 some cannot be read
     75 files, keys or the auth process cannot be read
     67 there is no such mailbox
     77 the password is wrong, or the command does not run as root
     64, 66, 78 wrong usage, no password, wrong configuration */

#define EXIT_NOT_CURRENT 1
#define PROGRESS_MSECS 500

struct verify_command {
	struct pymailadmin_cmd cmd;
	struct mail_storage_service_ctx *service;
	bool full, many;
	char password[SEAL_PASSWORD_MAX + 1];
	string_t *key_password;

	struct mail_user *user;
	struct storage_folders *folders;
	struct storage_verify_counts sum;
	/* In no folder any more, or in none yet. */
	struct storage_verify_counts rest;
	/* Folders the keys of which others have, too. */
	ARRAY_TYPE(const_string) shared;
	/* The folder of which an unknown key was named. */
	const struct storage_folder *unknown_folder;
	/* On a terminal it is shown how far it is. */
	bool live, progress_shown;
	uint64_t progress_time;
};

static void clear_progress(struct verify_command *verify)
{
	if (verify->progress_shown)
		fputs("\r\033[K", stderr);
	verify->progress_shown = FALSE;
}

static void note(const char *fmt, ...) ATTR_FORMAT(1, 2);

static void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	T_BEGIN {
		fprintf(stderr, "%s\n",
			str_sanitize_utf8(t_strdup_vprintf(fmt, args),
					  SIZE_MAX));
	} T_END;
	va_end(args);
}

static const char *size_text(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = bytes;
	unsigned int i;

	if (bytes < 1024)
		return t_strdup_printf("%"PRIu64" bytes", bytes);
	size /= 1024;
	for (i = 0; i + 1 < N_ELEMENTS(units) && size >= 1024; i++)
		size /= 1024;
	return t_strdup_printf(size < 10 ? "%.1f %s" : "%.0f %s", size,
			       units[i]);
}

static const char *
count_text(uint64_t count, const char *one, const char *many)
{
	return t_strdup_printf("%"PRIu64" %s", count, count == 1 ? one : many);
}

static uint64_t count_mails(const struct storage_verify_counts *counts)
{
	return counts->current + counts->retired + counts->unknown +
		counts->plain + counts->damaged;
}

static void verify_event(enum storage_verify_event event,
			 const struct storage_folder *folder, const char *path,
			 const char *reason, void *context)
{
	struct verify_command *verify = context;
	struct pymailadmin_cmd *cmd = &verify->cmd;
	const char *vname = str_sanitize_utf8(folder->vname, 200);

	clear_progress(verify);
	path = str_sanitize_utf8(path, SIZE_MAX);
	switch (event) {
	case STORAGE_VERIFY_UNKNOWN:
		/* if there is one, there are often many */
		if (verify->unknown_folder != folder) {
			pymailadmin_cmd_fail(cmd, EX_DATAERR, "folder %s: %s: "
				"the user does not have its key %s", vname,
				path, reason);
		}
		verify->unknown_folder = folder;
		break;
	case STORAGE_VERIFY_DAMAGED:
		pymailadmin_cmd_fail(cmd, EX_DATAERR,
				     "folder %s: %s is damaged: %s", vname,
				     path, reason);
		break;
	case STORAGE_VERIFY_FAILED:
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "folder %s: %s: %s",
				     vname, path, reason);
		break;
	}
}

static void verify_progress(const struct storage_verify_counts *counts,
			    void *context)
{
	struct verify_command *verify = context;
	const uint64_t now = monotonic_time_msecs();

	if (!verify->live || now < verify->progress_time + PROGRESS_MSECS)
		return;
	verify->progress_time = now;
	verify->progress_shown = TRUE;
	fprintf(stderr, "\r\033[K%s, %s",
		count_text(count_mails(&verify->sum) + count_mails(counts),
			   "mail", "mails"),
		size_text(verify->sum.bytes + counts->bytes));
	(void)fflush(stderr);
}

static void print_headers(const struct verify_command *verify)
{
	static const char *const counts[] = {
		"current", "retired", "unknown", "plain", "damaged", "bytes",
	};
	unsigned int i;

	if (doveadm_print_is_initialized() &&
	    doveadm_print_get_headers_count() > 0)
		return;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	if (verify->many)
		doveadm_print_header_simple("username");
	doveadm_print_header("folder", "folder",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);
	for (i = 0; i < N_ELEMENTS(counts); i++) {
		doveadm_print_header(counts[i], counts[i],
			DOVEADM_PRINT_HEADER_FLAG_NUMBER |
			DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	}
}

static void print_folder(const struct verify_command *verify,
			 const struct storage_folder *folder,
			 const struct storage_verify_counts *counts)
{
	if (verify->many)
		doveadm_print(str_sanitize(verify->user->username, 254));
	doveadm_print(str_sanitize_utf8(folder->vname, SIZE_MAX));
	doveadm_print_num(counts->current);
	doveadm_print_num(counts->retired);
	doveadm_print_num(counts->unknown);
	doveadm_print_num(counts->plain);
	doveadm_print_num(counts->damaged);
	doveadm_print_num(counts->bytes);
}

static void add_counts(struct storage_verify_counts *sum,
		       const struct storage_verify_counts *counts)
{
	sum->current += counts->current;
	sum->retired += counts->retired;
	sum->unknown += counts->unknown;
	sum->plain += counts->plain;
	sum->damaged += counts->damaged;
	sum->failed += counts->failed;
	sum->bytes += counts->bytes;
	sum->with_attachments += counts->with_attachments;
}

/* Returns FALSE if a signal has come. */
static bool verify_folders(struct verify_command *verify,
			   struct storage_verify *storage)
{
	struct storage_verify_counts counts;
	struct storage_folder *folder;
	bool ok = TRUE;

	print_headers(verify);
	verify->progress_time = monotonic_time_msecs();
	array_foreach_elem(&verify->folders->folders, folder) T_BEGIN {
		ok = ok && storage_verify_folder(storage, folder,
						 &counts) == 0;
		if (ok) {
			print_folder(verify, folder, &counts);
			add_counts(&verify->sum, &counts);
		}
	} T_END;
	clear_progress(verify);
	doveadm_print_flush();
	(void)fflush(stdout);
	if (!ok)
		pymailadmin_cmd_fail(&verify->cmd, EX_TEMPFAIL, "stopped");
	return ok;
}

/* Of every mdbox. */
static void verify_rest(struct verify_command *verify,
			struct storage_verify *storage)
{
	struct storage_verify_counts counts;
	struct storage_folder *folder;
	const char *error;

	array_foreach_elem(&verify->folders->places, folder) {
		if (folder->format != STORAGE_FORMAT_MDBOX)
			continue;
		if (storage_verify_in_no_folder(storage, verify->folders,
						folder, &counts, &error) < 0)
			pymailadmin_cmd_fail(&verify->cmd, EX_TEMPFAIL, "%s",
					     error);
		else
			add_counts(&verify->rest, &counts);
	}
	array_foreach_elem(&verify->folders->folders, folder) {
		if (storage_verify_is_shared(storage, folder))
			array_push_back(&verify->shared, &folder->vname);
	}
}

static void note_sum(const struct verify_command *verify)
{
	const struct storage_verify_counts *sum = &verify->sum;
	const char *mails = t_strdup_printf("%s in %s, %s",
		count_text(count_mails(sum), "mail", "mails"),
		count_text(array_count(&verify->folders->folders), "folder",
			   "folders"),
		size_text(sum->bytes));

	if (sum->failed > 0) {
		note("%s, and what could not be read", mails);
	} else if (sum->current == count_mails(sum)) {
		note("%s: %s", mails, verify->full ?
		     "all are whole, and encrypted with current keys" :
		     "all are encrypted with current keys; --full proves "
		     "that they are whole");
	} else {
		note("%s: %"PRIu64" not encrypted with current keys", mails,
		     count_mails(sum) - sum->current);
	}
}

static void note_mdbox(const struct verify_command *verify)
{
	const struct storage_verify_counts *rest = &verify->rest;

	if (count_mails(rest) == 0)
		return;
	note("In no folder: %s of an mdbox, %"PRIu64" of them not encrypted "
	     "with current keys; doveadm purge removes those that were "
	     "expunged", count_text(count_mails(rest), "mail", "mails"),
	     count_mails(rest) - rest->current);
}

static void note_rest(const struct verify_command *verify)
{
	struct storage_clear clear;
	const char *line;

	note_mdbox(verify);
	array_foreach_elem(&verify->shared, line) {
		note("Shared with others by ACL, so it keeps its keys and its "
		     "mail stays under them: folder %s", line);
	}

	storage_clear_find(verify->folders, &clear);
	if (clear.cache_count > 0) {
		note("In the clear: %s, %s, with Subject, From, To and other "
		     "headers", count_text(clear.cache_count, "index cache",
					   "index caches"),
		     size_text(clear.cache_bytes));
	}
	if (clear.text_index_count > 0) {
		note("In the clear: %s, %s, with the words of mails: %s%s",
		     count_text(clear.text_index_count, "full-text index",
				"full-text indexes"),
		     size_text(clear.text_index_bytes), clear.text_index_path,
		     clear.text_index_count == 1 ? "" : " ...");
	}
	if (verify->sum.with_attachments > 0) {
		note("In the clear: attachments of %s, in files of their own",
		     count_text(verify->sum.with_attachments, "mail",
				"mails"));
	}
	array_foreach_elem(&verify->folders->refusals, line)
		note("Not looked at: %s", line);
	array_foreach_elem(&verify->folders->shared, line)
		note("Of others: %s", line);
}

static void verify_opened(struct verify_command *verify,
			  struct storage_verify *storage)
{
	const struct storage_verify_counts *sum = &verify->sum;

	if (!verify_folders(verify, storage))
		return;
	t_array_init(&verify->shared, 4);
	verify_rest(verify, storage);
	note_sum(verify);
	note_rest(verify);
	if (sum->current != count_mails(sum) ||
	    verify->rest.current != count_mails(&verify->rest) ||
	    !array_is_empty(&verify->folders->refusals))
		pymailadmin_cmd_set_exit_code(EXIT_NOT_CURRENT);
}

static void verify_user(struct verify_command *verify)
{
	struct pymailadmin_cmd *cmd = &verify->cmd;
	const struct storage_verify_params params = {
		.user = verify->user,
		.key_password = !verify->full ? NULL :
			str_c(verify->key_password),
		.event = verify_event,
		.progress = verify_progress,
		.context = verify,
	};
	struct storage_verify *storage;
	const char *error;
	int ret;

	if (verify->full &&
	    key_password_derive(cmd->set, verify->user->username,
				verify->password, verify->key_password,
				&error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_CONFIG, "%s", error);
		return;
	}
	ret = storage_verify_init(&params, &storage, &error);
	if (ret <= 0) {
		/* what OpenSSL says of a wrong password is noise */
		pymailadmin_cmd_fail(cmd, ret == 0 ? EX_NOPERM : EX_TEMPFAIL,
			"%s%s", ret == 0 ? "the password does not open the keys"
			: "reading the keys failed: ", ret == 0 ? "" : error);
		return;
	}
	if (storage_folders_list(verify->user, &verify->folders,
				 &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
	} else {
		verify_opened(verify, storage);
		storage_folders_free(&verify->folders);
	}
	storage_verify_deinit(&storage);
}

/* What was said of the user before is not this one's. */
static void verify_begin(struct verify_command *verify, const char *username)
{
	i_zero(&verify->sum);
	i_zero(&verify->rest);
	verify->unknown_folder = NULL;
	if (verify->many)
		note("%s:", str_sanitize(username, 254));
}

static void verify_one(struct pymailadmin_cmd *cmd, const char *username,
		       void *context)
{
	struct verify_command *verify = context;
	const uid_t old_euid = geteuid();
	const char *error;
	int ret;

	ret = user_lookup(verify->service, cmd->event, username,
			  &verify->user, &error);
	if (ret <= 0) {
		pymailadmin_cmd_fail(cmd, ret < 0 ? EX_TEMPFAIL : EX_NOUSER,
				     "%s", error);
	} else {
		/* looking up has changed the effective user */
		process_memory_protect();
		verify_begin(verify, username);
		verify_user(verify);
		mail_user_deinit(&verify->user);
	}
	mail_storage_service_restore_privileges(old_euid, "/", cmd->event);
}

static void verify_with_storage(struct verify_command *verify)
{
	verify->service = mail_storage_service_init(master_service,
		MAIL_STORAGE_SERVICE_FLAG_USERDB_LOOKUP |
		MAIL_STORAGE_SERVICE_FLAG_NO_LOG_INIT |
		MAIL_STORAGE_SERVICE_FLAG_TEMP_PRIV_DROP |
		MAIL_STORAGE_SERVICE_FLAG_NO_CHDIR |
		MAIL_STORAGE_SERVICE_FLAG_NO_IDLE_TIMEOUT);
	pymailadmin_cmd_users(&verify->cmd, verify_one, verify);
	mail_storage_service_deinit(&verify->service);
}

/* Returns FALSE after pymailadmin_cmd_fail(). */
static bool get_parameters(struct verify_command *verify)
{
	struct pymailadmin_cmd *cmd = &verify->cmd;
	enum pymailadmin_users users;

	if (cmd->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		pymailadmin_cmd_fail(cmd, EX_USAGE,
				     "run verify in a terminal of this host");
		return FALSE;
	}
	if (geteuid() != 0) {
		pymailadmin_cmd_fail(cmd, EX_NOPERM, "run verify as root");
		return FALSE;
	}
	if (!doveadm_cmd_param_bool(cmd->cctx, "full", &verify->full))
		verify->full = FALSE;
	if (!pymailadmin_cmd_need_users(cmd) ||
	    !pymailadmin_cmd_count_users(cmd, &users))
		return FALSE;
	verify->many = users == PYMAILADMIN_USERS_MANY;
	if (verify->many && verify->full) {
		pymailadmin_cmd_fail(cmd, EX_USAGE, "--full asks for the "
			"password of one mailbox: name it with -u");
		return FALSE;
	}
	return (!verify->full ||
		 pymailadmin_cmd_read_secret(cmd, "Password", FALSE,
					     verify->password,
					     sizeof(verify->password)));
}

static void cmd_pymailadmin_verify(struct doveadm_cmd_context *cctx)
{
	struct verify_command verify;

	i_zero(&verify);
	if (!pymailadmin_cmd_init(&verify.cmd, cctx))
		return;
	process_memory_protect();
	verify.live = isatty(STDERR_FILENO) == 1;
	verify.key_password = str_new(default_pool, 128);
	if (get_parameters(&verify))
		verify_with_storage(&verify);
	safe_memset(verify.password, 0, sizeof(verify.password));
	buffer_clear_safe(verify.key_password);
	str_free(&verify.key_password);
	pymailadmin_cmd_deinit(&verify.cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_verify = {
	.name = "pymailadmin verify",
	.cmd = cmd_pymailadmin_verify,
	.usage = PYMAILADMIN_CMD_USAGE_USERS" [--full]",
DOVEADM_CMD_PARAMS_START
PYMAILADMIN_CMD_PARAMS_USERS
DOVEADM_CMD_PARAM('\0', "full", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
