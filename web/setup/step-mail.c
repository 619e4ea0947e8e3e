#include "setup-private.h"
#include "arena.h"
#include "buffer.h"
#include "mail-compose.h"
#include "mail-send.h"
#include "settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *check_from(void *context, const char *answer)
{
	return mail_address_is_safe(answer) ? NULL :
		setup_text((struct setup *)context, MSG_wrong_email);
}

static const char *check_url(void *context, const char *answer)
{
	const bool right = (strncmp(answer, "smtp://", 7) == 0 ||
			    strncmp(answer, "smtps://", 8) == 0) &&
		strpbrk(answer, "@ ") == NULL;

	return right ? NULL :
		setup_text((struct setup *)context, MSG_setup_wrong_smtp);
}

/* "no-reply@" and the host of base_url. */
static const char *default_from(struct setup *setup)
{
	const char *host = strstr(setup_get(setup, "base_url", "://"), "://");

	return arena_printf(setup->arena, "no-reply@%.*s",
			    (int)strcspn(host + 3, ":"), host + 3);
}

static bool ask_login(struct setup *setup)
{
	if (!setup_ask_setting(setup, "smtp_tls_ca",
			       setup_text(setup, MSG_setup_ask_ca), "", true) ||
	    !setup_ask_setting(setup, "smtp_user",
			       setup_text(setup, MSG_setup_ask_smtp_user), "",
			       true))
		return false;
	setup->smtp_password = "";
	if (setup_get(setup, "smtp_user", "")[0] == '\0') {
		setup_set(setup, "smtp_password_file", NULL);
		return true;
	}
	setup->smtp_password = dialog_ask_secret(&setup->dialog,
		setup_text(setup, MSG_setup_ask_smtp_password), NULL, NULL);
	setup_set(setup, "smtp_password_file",
		  setup_path(setup, "web-smtp.password"));
	return setup->smtp_password != NULL;
}

static int ask_from(struct setup *setup)
{
	const char *from;

	from = dialog_ask(&setup->dialog,
			  setup_text(setup, MSG_setup_ask_from),
			  setup_get(setup, "mail_from", default_from(setup)),
			  check_from, setup);
	if (from == NULL)
		return 0;
	setup_set(setup, "mail_from", from);
	return setup_ask_setting(setup, "registration",
				 setup_text(setup, MSG_setup_ask_registration),
				 "off", false) ? 1 : 0;
}

int setup_mail_ask(struct setup *setup, const char **error_r)
{
	const char *url;

	(void)error_r;
	setup_say(setup, MSG_setup_mail_about);
	url = setup_ask_optional(setup, setup_text(setup, MSG_setup_ask_smtp),
				 setup_get(setup, "smtp_url", ""), check_url,
				 setup);
	if (url == NULL)
		return 0;
	setup_set(setup, "smtp_url", url);
	if (url[0] != '\0')
		return ask_login(setup) ? ask_from(setup) : 0;
	setup_set(setup, "mail_from", "");
	setup_set(setup, "smtp_user", "");
	setup_set(setup, "smtp_password_file", NULL);
	setup_set(setup, "registration", "off");
	setup_say(setup, MSG_setup_mail_skipped);
	return 1;
}

static int send_test(struct setup *setup, const char **error_r)
{
	/* what mail_send() looks at */
	const struct settings set = {
		.smtp_url = setup_get(setup, "smtp_url", ""),
		.smtp_tls_ca = setup_get(setup, "smtp_tls_ca", ""),
		.smtp_user = setup_get(setup, "smtp_user", ""),
		.smtp_password = setup->smtp_password,
		.mail_from = setup_get(setup, "mail_from", ""),
	};
	const uint64_t now = (uint64_t)time(NULL);
	const struct mail mail = {
		.from = set.mail_from,
		.from_name = setup_get(setup, "product_name", "pymailadmin"),
		.to = setup->email,
		.subject = setup_text(setup, MSG_setup_mail_subject),
		.text = setup_text(setup, MSG_setup_mail_text),
		.language = setup->dialog.language->code,
		.id = arena_printf(setup->arena, "pymailadmin.setup.%llu",
				   (unsigned long long)now),
		.date = now,
	};
	char *error = arena_alloc(setup->arena, MAIL_SEND_ERROR_SIZE);
	struct buffer composed = BUFFER_INIT;
	int ret = -1;

	if (!mail_compose(&composed, &mail))
		(void)snprintf(error, MAIL_SEND_ERROR_SIZE, "the address");
	else
		ret = mail_send(&set, setup->email, &composed, error);
	buffer_free(&composed);
	if (ret < 0) {
		*error_r = arena_printf(setup->arena, "mail(%s) failed: %s",
					set.smtp_url, error);
		return -1;
	}
	setup_say(setup, MSG_setup_mail_sent,
		  LANGUAGE_TEXT("email", setup->email));
	return 1;
}

int setup_mail_apply(struct setup *setup, const char **error_r)
{
	bool send = true;

	if (setup_get(setup, "smtp_url", "")[0] == '\0')
		return 1;
	if (!dialog_ask_yes(&setup->dialog,
			    setup_text(setup, MSG_setup_ask_test_mail,
				       LANGUAGE_TEXT("email", setup->email)),
			    true, &send))
		return 0;
	if (send && send_test(setup, error_r) < 0)
		return -1;
	if (setup->smtp_password[0] == '\0')
		return 1;
	return setup_write_file(setup, setup_path(setup, "web-smtp.password"),
				setup->smtp_password, false, error_r) < 0 ?
		-1 : 1;
}
