#include "lib.h"
#include "str.h"
#include "settings.h"
#include "mail-namespace.h"
#include "mail-storage.h"
#include "mail-user.h"
#include "pymailadmin-protocol.h"
#include "pymailadmin-settings.h"
#include "sealed-request.h"
#include "key-change.h"
#include "key-password.h"
#include "password-hash.h"
#include "request-store.h"
#include "process-memory.h"
#include "user-lookup.h"
#include "password-change-job.h"

#include <sys/stat.h>

enum job_result job_open_seal(struct job *job)
{
	const struct seal_binding binding = {
		.kind = job->row->kind,
		.address = job->row->address,
		.request_id = job->row->id,
		.created = job->row->created,
	};
	const char *error = job->ctx->seal_error;

	if (job->ctx->seal_key == NULL)
		return job_stop(job, JOB_FAIL, "seal", "%s", error);
	if (sealed_request_open(job->ctx->seal_key, &binding,
				job->row->sealed, job->row->sealed_size,
				job->secrets, &error) < 0)
		return job_stop(job, JOB_FAIL, "seal",
				"the sealed request does not open: %s", error);
	if ((job->secrets->old_password[0] == '\0') !=
		(job->row->kind == REQUEST_KIND_CREATE) ||
	    job->secrets->new_password[0] == '\0' ||
	    job->secrets->new_hash[0] == '\0')
		return job_stop(job, JOB_FAIL, "seal",
				"the sealed request lacks a password");
	return JOB_OK;
}

enum job_result job_check_new_password(struct job *job)
{
	const char *error;
	int ret;

	if (!password_hash_is_usable_password(job->secrets->new_password))
		return job_stop(job, JOB_FAIL, "new_password", "new password: "
				"it has a control character, with which "
				"nobody could log in");
	if (job->secrets->new_hash[0] != '{')
		return job_stop(job, JOB_FAIL, "new_hash",
				"new password: the hash has no {SCHEME}");
	if (job_is_interrupted(job))
		return JOB_OK;
	ret = password_hash_verify(job->secrets->new_hash, job->row->address,
				   job->secrets->new_password, &error);
	if (ret <= 0)
		return job_stop(job, JOB_FAIL, "new_hash", "new password: %s",
				error);
	return JOB_OK;
}

enum job_result job_check_hashes(struct job *job)
{
	const char *error;
	int ret;

	ret = request_store_get_hash(job->ctx->store, job->row->address,
				     &job->old_hash, &error);
	if (ret < 0)
		return job_database_failed(job, error);
	if (ret == 0)
		return job_stop(job, JOB_FAIL, "unknown_mailbox",
				"there is no such mailbox");
	if (job_is_interrupted(job))
		return job_check_new_password(job);
	ret = password_hash_verify(job->old_hash, job->row->address,
				   job->secrets->old_password, &error);
	if (ret <= 0)
		return job_stop(job, JOB_FAIL,
				ret == 0 ? "wrong_password" : "old_hash",
				"old password: %s", error);
	return job_check_new_password(job);
}

enum job_result job_lookup_user(struct job *job)
{
	const char *error;
	int ret;

	ret = user_lookup(job->ctx->storage_service, job->ctx->event,
			  job->row->address, &job->user, &error);
	/* looking up has changed the effective user */
	process_memory_protect();
	if (ret == 0)
		return job_stop(job, JOB_FAIL, "unknown_user", "%s", error);
	if (ret < 0)
		return job_stop(job, JOB_LATER, "user_lookup",
				"looking up the user failed: %s", error);
	if (mail_user_get_home(job->user, &job->home) <= 0)
		return job_stop(job, JOB_FAIL, "no_home",
				"the mailbox has no home directory");
	return JOB_OK;
}

enum job_result job_open_user(struct job *job)
{
	enum job_result result;
	struct stat st;

	result = job_lookup_user(job);
	/* no keys may mean that the storage is not mounted */
	if (result == JOB_OK && stat(job->home, &st) < 0)
		return job_stop(job, JOB_LATER, "no_home",
				"stat(%s) failed: %m", job->home);
	return result;
}

static bool user_shares_folders(struct mail_user *user)
{
	const struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
			return TRUE;
	}
	return FALSE;
}

enum job_result job_init_change(struct job *job)
{
	const struct pymailadmin_crypt_settings *crypt_set;
	const struct pymailadmin_settings *set = job->ctx->set;
	const char *error;

	if (settings_get(job->user->event,
			 &pymailadmin_crypt_setting_parser_info, 0,
			 &crypt_set, &error) < 0)
		return job_stop(job, JOB_LATER, "settings", "%s", error);
	if (key_password_derive(set, job->user->username,
				job->secrets->old_password,
				job->old_key_password, &error) < 0 ||
	    key_password_derive(set, job->user->username,
				job->secrets->new_password,
				job->new_key_password, &error) < 0) {
		settings_free(crypt_set);
		return job_stop(job, JOB_FAIL, "key_password", "%s", error);
	}

	struct key_change_params params = {
		.event = job->event,
		.old_password = str_c(job->old_key_password),
		.new_password = str_c(job->new_key_password),
		/* their folder keys may be wrapped to this user's key */
		.keep_user_keys = user_shares_folders(job->user),
	};
	/* without a curve mail_crypt makes no keys, either */
	if (set->parsed_rekey_depth >= PYMAILADMIN_REKEY_DEPTH_KEYS &&
	    crypt_set->crypt_user_key_curve[0] != '\0')
		params.renewal_curve = crypt_set->crypt_user_key_curve;
	job->change = key_change_new(&params);
	job->keys_expected = crypt_set->crypt_user_key_curve[0] != '\0' ||
		crypt_set->crypt_user_key_require_encrypted;
	settings_free(crypt_set);
	return JOB_OK;
}

static int job_get_inbox_guid(struct job *job, const char **guid_r,
			      const char **error_r)
{
	struct mail_namespace *ns;
	struct mailbox_metadata metadata;
	struct mailbox *box;
	int ret;

	ns = mail_namespace_find_inbox(job->user->namespaces);
	box = mailbox_alloc(ns->list, "INBOX", MAILBOX_FLAG_READONLY);
	ret = mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata);
	if (ret < 0)
		*error_r = t_strdup(mailbox_get_last_internal_error(box, NULL));
	else
		*guid_r = t_strdup(guid_128_to_string(metadata.guid));
	mailbox_free(&box);
	return ret;
}

enum job_result job_read_keys(struct job *job)
{
	const char *error;

	key_store_close(&job->keys);
	if (key_store_open(job->user, &job->keys, &error) < 0)
		return job_stop(job, JOB_FAIL, "keys_unreadable",
				"reading the keys failed: %s", error);
	return JOB_OK;
}

enum job_result job_prepare_keys(struct job *job)
{
	enum job_result result = job_read_keys(job);
	const char *guid, *error;
	int ret;

	if (result != JOB_OK)
		return result;
	if (job->keys == NULL) {
		return !job->keys_expected ? JOB_OK :
			job_stop(job, JOB_FAIL, "keys_unreadable",
				 "mail_crypt has user keys, but there is no "
				 "mail_attribute { dict } for protocol "
				 PYMAILADMIN_PROTOCOL);
	}
	if (job->keys->unusable_reason != NULL)
		return job_stop(job, JOB_FAIL, "keys_unreadable", "%s",
				job->keys->unusable_reason);
	if (key_change_needs_inbox_guid(job->keys)) {
		if (job_get_inbox_guid(job, &guid, &error) < 0)
			return job_stop(job, JOB_FAIL, "keys_unreadable",
					"opening INBOX failed: %s", error);
		key_change_set_inbox_guid(job->change, guid);
	}
	ret = key_change_prepare(job->change, job->keys, &error);
	if (ret <= 0)
		return job_stop(job, JOB_FAIL,
				ret == 0 ? "key_password" : "keys_unreadable",
				ret == 0 ? "%s; the key password must be what "
				"pymailadmin_key_password says" : "%s", error);
	return JOB_OK;
}
