#include "lib.h"
#include "module-context.h"
#include "mail-user.h"
#include "mail-storage-hooks.h"
#include "mail-storage-service.h"
#include "auth-master.h"
#include "pymailadmin-protocol.h"
#include "mailbox-lock.h"
#include "key-guard.h"
#include "pymailadmin-plugin.h"

#include <unistd.h>

#define PYMAILADMIN_USER_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, pymailadmin_user_module)

/* lmtp's and lda's user for the mail as it came in, with no mailbox */
#define RAW_MAIL_USER "raw-mail-user"

#define DELIVERY_LOCK_WAIT_MSECS (5*1000)

struct pymailadmin_user {
	union mail_user_module_context module_ctx;
	struct mailbox_lock *lock;
};

const char *pymailadmin_plugin_version = DOVECOT_ABI_VERSION;

static MODULE_CONTEXT_DEFINE_INIT(pymailadmin_user_module,
				  &mail_user_module_register);

static void pymailadmin_user_deinit(struct mail_user *user)
{
	struct pymailadmin_user *puser = PYMAILADMIN_USER_CONTEXT_REQUIRE(user);

	/* closes the namespaces, which must not outlive the lock */
	puser->module_ctx.super.deinit(user);
	mailbox_lock_free(&puser->lock);
}

static bool user_is_exempt(struct mail_user *user)
{
	/* who changes the keys holds the lock */
	if (strcmp(user->protocol, PYMAILADMIN_PROTOCOL) == 0)
		return TRUE;
	return user->autocreated && strcmp(user->username, RAW_MAIL_USER) == 0;
}

static unsigned int user_lock_wait_msecs(struct mail_user *user)
{
	/* a delivery that waits is better than one that comes again */
	return strcmp(user->protocol, "lmtp") == 0 ||
		strcmp(user->protocol, "lda") == 0 ?
		DELIVERY_LOCK_WAIT_MSECS : 0;
}

static void user_refuse(struct mail_user *user, const char *reason)
{
	user->error = p_strdup_printf(user->pool, "pymailadmin: %s", reason);
}

struct user_question {
	struct mail_user *user;
	bool refused;
};

/* The recipient of a mail is looked up before the mail comes, who logs in before
   the session begins: the mailbox may have been deleted since. */
static int user_is_still_known(void *context, const char **error_r)
{
	struct user_question *question = context;
	struct mail_user *user = question->user;
	const struct auth_user_info info = { .protocol = user->protocol };
	const char *username, *const *fields = NULL;
	bool said;
	pool_t pool;
	int ret;

	/* nobody has asked the userdb: a lda for who runs it */
	if (user->userdb_fields == NULL || mail_user_auth_master_conn == NULL)
		return 1;
	pool = pool_alloconly_create("pymailadmin user lookup", 1024);
	ret = auth_master_user_lookup(mail_user_auth_master_conn,
				      user->username, &info, pool, &username,
				      &fields);
	said = ret < 0 && fields != NULL && fields[0] != NULL;
	pool_unref(&pool);
	/* A deletion that has not been ended yet is an error that says so. Else
	   a session may not ask, of a user who has no uid in the userdb, and
	   who then is known: nobody is kept out for that. */
	if (ret > 0 || (ret < 0 && !said && user_lock_wait_msecs(user) == 0))
		return 1;
	question->refused = TRUE;
	*error_r = ret == 0 ? "there is no such mailbox any more" :
		"the userdb does not say whether there is such a mailbox";
	return 0;
}

/* A deletion that was interrupted holds no lock. Mail for it comes again later,
   and then there is no such mailbox. */
static bool user_is_being_deleted(const char *home)
{
	const char *path = t_strconcat(home, "/"MAILBOX_DELETION_NAME, NULL);

	return access(path, F_OK) == 0;
}

static void pymailadmin_mail_user_created(struct mail_user *user)
{
	struct mail_user_vfuncs *v = user->vlast;
	struct pymailadmin_user *puser;
	struct user_question question = { .user = user };
	struct mailbox_lock *lock = NULL;
	const char *home = NULL, *error;
	int ret;

	if (user_is_exempt(user))
		return;
	ret = mail_user_get_home(user, &home);
	if (ret < 0) {
		user_refuse(user, "the home directory lookup failed");
		return;
	}
	/* without a home there is no lock file, and so never a key change */
	if (ret > 0) {
		/* a home of the owner of a shared namespace is not ours to
		   make */
		ret = mailbox_lock_join(home, !user->autocreated,
					user_lock_wait_msecs(user),
					user_is_still_known, &question, &lock,
					&error);
		if (ret < 0) {
			user_refuse(user, t_strdup_printf(
				"the mailbox lock cannot be taken: %s",
				error));
			return;
		}
		if (ret == 0 && question.refused) {
			user_refuse(user, error);
			return;
		}
		if (ret == 0) {
			user_refuse(user, t_strdup_printf(
				"the mailbox is closed while its password is "
				"being changed: %s; see: "
				"doveadm pymailadmin status -u %s",
				error, user->username));
			return;
		}
	}
	if (home != NULL && user_is_being_deleted(home)) {
		mailbox_lock_free(&lock);
		user_refuse(user, t_strdup_printf(
			"the mailbox is being deleted; see: "
			"doveadm pymailadmin status -u %s", user->username));
		return;
	}
	if ((ret = key_guard_check(user, &error)) <= 0) {
		mailbox_lock_free(&lock);
		user_refuse(user, t_strdup_printf(ret < 0 ?
			"the mailbox's keys cannot be read: %s" :
			"the session's key password is not the mailbox's: %s; "
			"see: doveadm pymailadmin check -u %s",
			error, user->username));
		return;
	}

	puser = p_new(user->pool, struct pymailadmin_user, 1);
	puser->lock = lock;
	puser->module_ctx.super = *v;
	user->vlast = &puser->module_ctx.super;
	v->deinit = pymailadmin_user_deinit;
	MODULE_CONTEXT_SET(user, pymailadmin_user_module, puser);
}

static struct mail_storage_hooks pymailadmin_mail_storage_hooks = {
	.mail_user_created = pymailadmin_mail_user_created,
};

void pymailadmin_plugin_init(struct module *module)
{
	mail_storage_hooks_add(module, &pymailadmin_mail_storage_hooks);
}

void pymailadmin_plugin_deinit(void)
{
	mail_storage_hooks_remove(&pymailadmin_mail_storage_hooks);
}
