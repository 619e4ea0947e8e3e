#include "lib.h"
#include "array.h"
#include "path-util.h"
#include "str.h"
#include "time-util.h"
#include "mail-storage-service.h"
#include "mail-user.h"
#include "check-keys.h"
#include "closure-store.h"
#include "key-journal.h"
#include "key-password.h"
#include "key-store.h"
#include "live-login.h"
#include "mailbox-lock.h"
#include "password-hash.h"
#include "pymailadmin-settings.h"
#include "request-backend.h"
#include "user-lookup.h"
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct check_mailbox {
	struct check *check;
	const char *username, *password;

	/* NULL if there is none or the database cannot be asked. */
	const char *hash;
	/* Of its open request, NULL if there is none. */
	const char *request_id;

	struct mail_user *user;
	/* NULL if it cannot be used. */
	const char *home;
	struct key_store *keys;
};

static bool check_row(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	const char *error;
	int ret;

	if (check->store == NULL)
		return TRUE;
	ret = request_store_get_hash(check->store, mailbox->username,
				     &mailbox->hash, &error);
	if (ret == 0) {
		check_error(check, "user", EX_NOUSER, "pymailadmin_mailbox "
			"has no row with the address %s; mind its spelling",
			mailbox->username);
	}
	/* what else is wrong with the view has its line */
	return ret != 0;
}

/* Its home is on the hosts of its backend. */
static bool check_is_here(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	const char *backend = NULL, *error;

	if (check->store == NULL ||
	    request_backend_of(check->store, mailbox->username, &backend,
			       &error) < 0 ||
	    request_backend_is_ours(check->store, backend))
		return TRUE;
	check_warning(check, "user", "it is on %s, and to be checked there",
		      backend == NULL ? "a host without pymailadmin_backend" :
		      t_strdup_printf("a host with pymailadmin_backend = %s",
				      backend));
	return FALSE;
}

static void check_lookup(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	const char *name = "user", *error;
	int ret;

	ret = user_lookup(check->storage_service, check->event,
			  mailbox->username, &mailbox->user, &error);
	if (ret < 0) {
		check_error(check, name, EX_TEMPFAIL, "%s", error);
	} else if (ret == 0) {
		check_error(check, name, EX_NOUSER, "%s; it has to answer for "
			"all users of the passdb", error);
	} else if (strcmp(mailbox->user->username, mailbox->username) != 0) {
		check_warning(check, name, "Dovecot calls it %s; name it so "
			"in requests", mailbox->user->username);
	} else {
		check_ok(check, name, "known to Dovecot's userdb%s",
			 mailbox->hash == NULL ? "" : " and the database");
	}
}

static bool may_write_into(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

/* Can the lock files be made or written in the home? */
static bool home_is_usable(const char *home, const char **error_r)
{
	const char *const names[] = { MAILBOX_GATE_NAME, MAILBOX_LOCK_NAME };
	const char *path;
	unsigned int i;
	int fd;

	if (!may_write_into(home)) {
		*error_r = t_strdup_printf("faccessat(%s) failed: %m", home);
		return FALSE;
	}
	for (i = 0; i < N_ELEMENTS(names); i++) {
		path = t_strconcat(home, "/", names[i], NULL);
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd == -1 && errno != ENOENT) {
			*error_r = t_strdup_printf("open(%s) failed: %m", path);
			return FALSE;
		}
		i_close_fd(&fd);
	}
	return TRUE;
}

/* What would have to be written to so that the home can be made. */
static const char *existing_parent(const char *path)
{
	const char *slash;
	struct stat st;

	while (stat(path, &st) < 0 && errno == ENOENT &&
	       (slash = strrchr(path, '/')) != NULL && slash != path)
		path = t_strdup_until(path, slash);
	return path;
}

static void check_home(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	const char *name = "home", *parent, *error;
	int ret;

	ret = mail_user_get_home(mailbox->user, &mailbox->home);
	if (ret <= 0) {
		check_error(check, name, EX_CONFIG, ret < 0 ?
			"looking it up failed; see the log" :
			"the mailbox has none, and its password cannot be "
			"changed; set mail_home");
		mailbox->home = NULL;
		return;
	}
	parent = existing_parent(mailbox->home);
	if (strcmp(parent, mailbox->home) != 0) {
		if (may_write_into(parent)) {
			check_ok(check, name, "%s does not exist yet",
				 mailbox->home);
		} else {
			check_error(check, name, EX_CANTCREAT, "%s cannot be "
				"made: faccessat(%s) failed: %m; give it to "
				"the mail user", mailbox->home, parent);
			mailbox->home = NULL;
		}
	} else if (!home_is_usable(mailbox->home, &error)) {
		check_error(check, name, EX_CANTCREAT, "the mailbox cannot be "
			"locked: %s; give it to the mail user", error);
		mailbox->home = NULL;
	} else {
		check_ok(check, name, "%s", mailbox->home);
	}
}

static void check_request_row(struct check_mailbox *mailbox,
			      const struct request_row *row)
{
	struct check *check = mailbox->check;
	const char *until = "";
	uint64_t opens;

	if (request_state_is_final(row->state)) {
		check_ok(check, "request", "none is open");
		return;
	}
	mailbox->request_id = p_strdup(check->pool, row->id);
	if (request_row_keeps_closed(row, check->set->pymailadmin_rekey_window,
				     &opens)) {
		until = opens == 0 ?
			", and the mailbox closed until it is finished" :
			t_strdup_printf(", and the mailbox closed until %s at "
				"the latest",
				t_strflocaltime("%H:%M:%S", opens));
	} else if (row->kind == REQUEST_KIND_DELETE) {
		until = request_deletion_has_begun(row->state) ?
			", and the mailbox being deleted" :
			t_strdup_printf(", to delete the mailbox after %s",
				t_strflocaltime("%Y-%m-%d %H:%M:%S",
				row->created +
				check->set->pymailadmin_deletion_grace));
	}
	check_warning(check, "request", "a request is %s since %s%s%s%s; see: "
		"doveadm pymailadmin status -u %s",
		request_state_name(row->state),
		t_strflocaltime("%Y-%m-%d %H:%M:%S", row->created), until,
		row->reason == NULL ? "" : ": ",
		row->reason == NULL ? "" : row->reason, mailbox->username);
}

static void check_request(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	ARRAY_TYPE(request_row) rows;
	const char *error;
	pool_t pool;

	if (check->store == NULL)
		return;
	pool = pool_alloconly_create("pymailadmin requests", 4096);
	p_array_init(&rows, pool, 16);
	if (request_store_list(check->store, mailbox->username, pool, &rows,
			       &error) < 0) {
		/* has its line */
	} else if (array_is_empty(&rows)) {
		check_ok(check, "request", "none is open");
	} else {
		check_request_row(mailbox, array_idx_elem(&rows, 0));
	}
	pool_unref(&pool);
}

static void check_journal(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	const char *name = "journal", *error;
	struct key_journal *journal;
	int ret;

	if (mailbox->home == NULL)
		return;
	ret = key_journal_read(mailbox->home, &journal, &error);
	if (ret < 0) {
		check_warning(check, name, "%s; it holds the keys as they were "
			"before a change: keep it until the line keys open is "
			"ok, then remove it", error);
	} else if (ret == 0) {
		check_ok(check, name, "none is left");
	} else if (null_strcmp(journal->request_id,
			       mailbox->request_id) == 0) {
		check_ok(check, name, "that of the open request");
	} else {
		check_warning(check, name, "that of request %s is left in %s; "
			"keep it until the line keys open is ok, then remove "
			"it", journal->request_id, mailbox->home);
	}
	if (ret > 0)
		key_journal_free(&journal);
}

static void check_mailbox_keys(struct check_mailbox *mailbox)
{
	const char *error;

	if (key_store_open(mailbox->user, &mailbox->keys, &error) < 0) {
		check_error(mailbox->check, "user keys", EX_DATAERR,
			    "they cannot be read: %s", error);
	} else if (mailbox->keys != NULL &&
		   mailbox->keys->unusable_reason != NULL) {
		check_error(mailbox->check, "user keys", EX_CONFIG, "%s",
			    mailbox->keys->unusable_reason);
		key_store_close(&mailbox->keys);
	} else if (mailbox->keys != NULL) {
		check_keys(mailbox->check, mailbox->keys, mailbox->username);
	}
}

static void check_login(struct check_mailbox *mailbox,
			const char *key_password)
{
	struct check *check = mailbox->check;
	enum live_login_result result;
	const char *name = "login", *error;

	if (!check->running)
		return;
	if (live_login_compare(check->base_dir, mailbox->username,
			       mailbox->password, key_password, &result,
			       &error) < 0) {
		check_error(check, name, EX_TEMPFAIL, "%s", error);
		return;
	}
	switch (result) {
	case LIVE_LOGIN_SAME:
		check_ok(check, name, "sessions get the key password that "
			 "pymailadmin_key_password says");
		break;
	case LIVE_LOGIN_DIFFERENT:
		check_error(check, name, EX_CONFIG, "sessions get another key "
			"password than pymailadmin_key_password says, and a "
			"change would lock the owner out; make it the same as "
			"userdb_crypt_user_key_password in the passdb");
		break;
	case LIVE_LOGIN_NONE:
		check_error(check, name, EX_CONFIG, "sessions get no key "
			"password and cannot read mail; set in the passdb: "
			"fields { userdb_crypt_user_key_password = %s }",
			check->set->pymailadmin_key_password);
		break;
	case LIVE_LOGIN_REFUSED:
		if (mailbox->request_id != NULL) {
			/* has its line */
			break;
		}
		check_error(check, name, EX_UNAVAILABLE, "it is refused: %s",
			    error);
		break;
	}
}

static void check_key_passwords(struct check_mailbox *mailbox)
{
	string_t *key_password = str_new(default_pool, 128);
	const char *error;

	if (key_password_derive(mailbox->check->set, mailbox->username,
				mailbox->password, key_password,
				&error) < 0) {
		/* has its line */
	} else {
		if (mailbox->keys != NULL)
			check_keys_open(mailbox->check, mailbox->keys,
					str_c(key_password));
		check_login(mailbox, str_c(key_password));
	}
	buffer_clear_safe(key_password);
	str_free(&key_password);
}

static void check_password(struct check_mailbox *mailbox)
{
	struct check *check = mailbox->check;
	const char *name = "password", *error;
	int ret;

	if (mailbox->hash == NULL)
		return;
	ret = password_hash_verify(mailbox->hash, mailbox->username,
				   mailbox->password, &error);
	if (ret < 0) {
		check_error(check, name, EX_DATAERR, "%s; its change would "
			"fail: set a hash that Dovecot can verify, without "
			"changing the password", error);
	} else if (ret == 0) {
		check_error(check, name, EX_NOPERM, "%s; nothing else is "
			"proved with it", error);
	} else {
		check_ok(check, name, "it is the hash's");
		check_key_passwords(mailbox);
	}
}

static void check_mailbox(struct check_mailbox *mailbox)
{
	if (!check_row(mailbox))
		return;
	if (!check_is_here(mailbox)) {
		check_request(mailbox);
		return;
	}
	/* the userdb is the auth process's */
	if (mailbox->check->running)
		check_lookup(mailbox);
	check_request(mailbox);
	if (mailbox->user != NULL) {
		check_home(mailbox);
		check_journal(mailbox);
		check_mailbox_keys(mailbox);
	}
	if (mailbox->password != NULL)
		check_password(mailbox);
}

void check_user(struct check *check, const char *username,
		const char *password)
{
	struct check_mailbox mailbox = {
		.check = check,
		.username = username,
		.password = password,
	};
	const uid_t old_euid = geteuid();
	const char *old_cwd, *error;

	if (t_get_working_dir(&old_cwd, &error) < 0)
		old_cwd = "/";
	check_mailbox(&mailbox);
	key_store_close(&mailbox.keys);
	if (mailbox.user != NULL)
		mail_user_deinit(&mailbox.user);
	mail_storage_service_restore_privileges(old_euid, old_cwd,
						check->event);
}
