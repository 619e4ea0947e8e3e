#include "mail-text.h"
#include "language.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *template;
	bool mailbox;
	enum message subject, text;
} mails[] = {
	{ "password-reset", false,
	  MSG_mail_reset_subject, MSG_mail_reset_text },
	{ "account-password-changed", false,
	  MSG_mail_account_password_subject, MSG_mail_account_password_text },
	{ "two-factor-on", false,
	  MSG_mail_two_factor_on_subject, MSG_mail_two_factor_on_text },
	{ "two-factor-off", false,
	  MSG_mail_two_factor_off_subject, MSG_mail_two_factor_off_text },
	{ "backup-codes-changed", false,
	  MSG_mail_backup_codes_subject, MSG_mail_backup_codes_text },
	{ "new-login", false,
	  MSG_mail_new_login_subject, MSG_mail_new_login_text },
	{ "password-filed", true,
	  MSG_mail_password_filed_subject, MSG_mail_password_filed_text },
	{ "password-done", true,
	  MSG_mail_password_done_subject, MSG_mail_password_done_text },
	{ "password-failed", true,
	  MSG_mail_password_failed_subject, MSG_mail_password_failed_text },
	{ "password-expired", true,
	  MSG_mail_password_failed_subject, MSG_mail_password_failed_text },
	{ "create-done", true,
	  MSG_mail_create_done_subject, MSG_mail_create_done_text },
	{ "create-failed", true,
	  MSG_mail_create_failed_subject, MSG_mail_create_failed_text },
	{ "create-expired", true,
	  MSG_mail_create_failed_subject, MSG_mail_create_failed_text },
	{ "delete-filed", true,
	  MSG_mail_delete_filed_subject, MSG_mail_delete_filed_text },
	{ "delete-done", true,
	  MSG_mail_delete_done_subject, MSG_mail_delete_done_text },
	{ "delete-failed", true,
	  MSG_mail_delete_failed_subject, MSG_mail_delete_failed_text },
	{ "delete-expired", true,
	  MSG_mail_delete_failed_subject, MSG_mail_delete_failed_text },
	{ "registration", false,
	  MSG_mail_registration_subject, MSG_mail_registration_text },
	{ "registration-account", false,
	  MSG_mail_registration_account_subject,
	  MSG_mail_registration_account_text },
	{ "registration-known", false,
	  MSG_mail_registration_known_subject,
	  MSG_mail_registration_known_text },
	{ "registration-waiting", false,
	  MSG_mail_registration_waiting_subject,
	  MSG_mail_registration_waiting_text },
	{ "registration-reminder", false,
	  MSG_mail_registration_reminder_subject,
	  MSG_mail_registration_reminder_text },
	{ "registration-accepted", false,
	  MSG_mail_registration_accepted_subject,
	  MSG_mail_registration_accepted_text },
	{ "registration-declined", false,
	  MSG_mail_registration_declined_subject,
	  MSG_mail_registration_declined_text },
	{ "account-made", false,
	  MSG_mail_account_made_subject, MSG_mail_account_made_text },
	{ "account-deleted", false,
	  MSG_mail_account_deleted_subject, MSG_mail_account_deleted_text },
	{ "account-role", false,
	  MSG_mail_account_role_subject, MSG_mail_account_role_text },
	{ "account-deactivated", false,
	  MSG_mail_account_off_subject, MSG_mail_account_off_text },
	{ "account-activated", false,
	  MSG_mail_account_on_subject, MSG_mail_account_on_text },
	{ "two-factor-reset", false,
	  MSG_mail_two_factor_reset_subject, MSG_mail_two_factor_reset_text },
	{ "mailbox-given", true,
	  MSG_mail_mailbox_given_subject, MSG_mail_mailbox_given_text },
	{ "mailbox-taken", true,
	  MSG_mail_mailbox_taken_subject, MSG_mail_mailbox_taken_text },
	{ "aliases-changed", true,
	  MSG_mail_aliases_changed_subject, MSG_mail_aliases_changed_text },
	{ "request-canceled", true,
	  MSG_mail_canceled_subject, MSG_mail_canceled_text },
};

bool mail_text(struct arena *arena, const struct language *language,
	       const struct mail_values *values, const char **subject_r,
	       const char **text_r)
{
	/* Each message takes of them what it wants; a test knows these. */
	const struct language_value *all = LANGUAGE_VALUES(
		LANGUAGE_TEXT("product", values->product),
		LANGUAGE_TEXT("email", values->email),
		LANGUAGE_TEXT("address", values->address),
		LANGUAGE_TEXT("url", values->url),
		LANGUAGE_TEXT("message", values->message),
		LANGUAGE_TEXT("browser", values->browser != NULL ?
			values->browser : language_text(arena, language,
				MSG_mail_unknown_browser)),
		LANGUAGE_TEXT("network", values->network == NULL ? "" :
			      values->network),
		LANGUAGE_DATETIME("time", values->time),
		LANGUAGE_DURATION("duration", values->valid_secs));
	size_t i;

	for (i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		if (strcmp(mails[i].template, values->template) != 0)
			continue;
		if (mails[i].mailbox && values->address == NULL)
			return false;
		*subject_r = language_text_values(arena, language,
						  mails[i].subject, all);
		*text_r = language_text_values(arena, language, mails[i].text,
					       all);
		return true;
	}
	return false;
}
