#define _GNU_SOURCE /* explicit_bzero() */
#include "notify.h"
#include "arena.h"
#include "background.h"
#include "buffer.h"
#include "db.h"
#include "html.h"
#include "known-device.h"
#include "language.h"
#include "log.h"
#include "mail-compose.h"
#include "mail-send.h"
#include "mail-text.h"
#include "outbox.h"
#include "password-reset.h"
#include "registration.h"
#include "settings.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

/* How often is looked for mails, and how many are sent before stopping is
   thought of. */
#define LOOK_SECS 2
#define BATCH 20
/* Nobody else takes it while it may still be being sent. */
#define LEASE_SECS (5 * MAIL_SEND_SECS)
#define RETRY_SECS 60
#define RETRY_MAX_SECS (6 * 3600)
#define ATTEMPTS_MAX 20
#define RESETS_MAX 64
#define EMAIL_SIZE 255

static const struct settings *settings;
static const struct db_settings *db_settings;
static struct background *sender;

/* Was sent, which could not be written down yet; 0: none is. */
static uint64_t unnoted;

static pthread_mutex_t resets_mutex = PTHREAD_MUTEX_INITIALIZER;
static char resets[RESETS_MAX][EMAIL_SIZE];
static unsigned int resets_count;

/* ---- what pages ask for */

bool notify_reset(const char *email)
{
	const size_t len = strlen(email);
	bool queued = false;

	if (len >= EMAIL_SIZE)
		return true;
	(void)pthread_mutex_lock(&resets_mutex);
	if (resets_count < RESETS_MAX) {
		memcpy(resets[resets_count++], email, len + 1);
		queued = true;
	}
	(void)pthread_mutex_unlock(&resets_mutex);
	if (queued)
		background_wake(sender);
	return queued;
}

static bool next_reset(char email_r[EMAIL_SIZE])
{
	bool found;

	(void)pthread_mutex_lock(&resets_mutex);
	found = resets_count > 0;
	if (found)
		memcpy(email_r, resets[--resets_count], EMAIL_SIZE);
	(void)pthread_mutex_unlock(&resets_mutex);
	return found;
}

static void file_resets(struct db *db, struct arena *arena)
{
	char email[EMAIL_SIZE];
	const char *error;

	while (next_reset(email)) {
		if (password_reset_request(db, arena, email, &error) < 0)
			log_warning(NULL, "a mail about a forgotten password "
				    "is not sent: %s", error);
	}
}

/* ---- sending */

/* Which says more, and what can be done. */
static const char *page_of(struct arena *arena, const char *address)
{
	struct buffer encoded = BUFFER_INIT;
	const char *url;

	if (address == NULL)
		return settings->base_url;
	html_url(&encoded, address);
	url = arena_printf(arena, "%s/mailbox?address=%s", settings->base_url,
			   buffer_str(&encoded));
	buffer_free(&encoded);
	return url;
}

/* The link, or another mail if there is nothing to confirm. */
static int make_registration_url(struct db *db, struct arena *arena,
				 struct outbox_mail *mail, const char **url_r,
				 const char **error_r)
{
	enum registration_result result;
	char token[TOKEN_SIZE];

	if (registration_link(db, arena, mail->registration_id, token, &result,
			      error_r) < 0)
		return -1;
	switch (result) {
	case REGISTRATION_DONE:
		*url_r = arena_printf(arena, "%s/register/confirm?token=%s",
				      settings->base_url, token);
		explicit_bzero(token, sizeof(token));
		return 1;
	case REGISTRATION_ACCOUNT:
		mail->template = REGISTRATION_ACCOUNT_TEMPLATE;
		break;
	case REGISTRATION_WAITING:
		mail->template = REGISTRATION_KNOWN_TEMPLATE;
		break;
	default:
		/* confirmed already, or expired */
		return 0;
	}
	*url_r = arena_printf(arena, "%s/login", settings->base_url);
	return 1;
}

/* How long the link works; 0: it is none that works for a time. */
static uint64_t valid_secs(const struct outbox_mail *mail)
{
	if (strcmp(mail->template, PASSWORD_RESET_FIRST_TEMPLATE) == 0)
		return NOTIFY_FIRST_SECS;
	if (strcmp(mail->template, PASSWORD_RESET_TEMPLATE) == 0)
		return NOTIFY_RESET_SECS;
	return mail->registration_id != 0 ? REGISTRATION_SECS : 0;
}

static int make_reset_url(struct db *db, struct arena *arena,
			  const struct outbox_mail *mail, const char **url_r,
			  const char **error_r)
{
	char token[TOKEN_SIZE];
	int ret;

	ret = password_reset_create(db, arena, mail->account_id,
				    valid_secs(mail), token, error_r);
	if (ret > 0)
		*url_r = arena_printf(arena, "%s/password/reset?token=%s",
				      settings->base_url, token);
	explicit_bzero(token, sizeof(token));
	return ret;
}

static bool is_for_moderators(const struct outbox_mail *mail)
{
	return strcmp(mail->template, "registration-waiting") == 0 ||
		strcmp(mail->template, "registration-reminder") == 0;
}

static int make_url(struct db *db, struct arena *arena,
		    struct outbox_mail *mail, const char **url_r,
		    const char **error_r)
{
	if (strcmp(mail->template, REGISTRATION_TEMPLATE) == 0)
		return make_registration_url(db, arena, mail, url_r, error_r);
	if (is_for_moderators(mail)) {
		*url_r = arena_printf(arena, "%s/moderation",
				      settings->base_url);
		return 1;
	}
	if (strcmp(mail->template, NEW_LOGIN_TEMPLATE) == 0) {
		*url_r = arena_printf(arena, "%s/account", settings->base_url);
		return 1;
	}
	if (strcmp(mail->template, PASSWORD_RESET_TEMPLATE) == 0 ||
	    strcmp(mail->template, PASSWORD_RESET_FIRST_TEMPLATE) == 0)
		return make_reset_url(db, arena, mail, url_r, error_r);
	*url_r = page_of(arena, mail->address);
	return 1;
}

/* Returns false if it never can be sent. */
static bool compose(struct arena *arena, const struct outbox_mail *mail,
		    const char *url, struct buffer *out)
{
	const struct language *language = language_find(mail->language);
	const struct mail_values values = {
		.template = mail->template,
		.product = settings->product_name,
		.email = mail->recipient,
		.address = mail->address,
		.url = url,
		.message = mail->message == NULL ? "" : mail->message,
		.browser = mail->browser,
		.network = mail->network,
		.time = mail->created,
		.valid_secs = valid_secs(mail),
	};
	struct mail composed = {
		.from = settings->mail_from,
		.from_name = settings->product_name,
		.to = mail->recipient,
		.date = mail->created,
	};

	if (language == NULL)
		language = &languages[0];
	composed.language = language->code;
	composed.id = arena_printf(arena, "pymailadmin.%" PRIu64 ".%" PRIu64,
				   mail->id, mail->created);
	return mail_text(arena, language, &values, &composed.subject,
			 &composed.text) &&
		mail_compose(out, &composed);
}

static unsigned int retry_delay(unsigned int attempts)
{
	unsigned int secs = RETRY_SECS;

	while (attempts-- > 0 && secs < RETRY_MAX_SECS)
		secs *= 2;
	return secs < RETRY_MAX_SECS ? secs : RETRY_MAX_SECS;
}

/* Nothing else is taken before that is done, so that it is not sent again. */
static int note_sent(struct db *db, struct arena *arena, uint64_t id,
		     const char **error_r)
{
	unnoted = id;
	if (outbox_sent(db, arena, id, error_r) < 0)
		return -1;
	unnoted = 0;
	return 0;
}

static int send_composed(struct db *db, struct arena *arena,
			 const struct outbox_mail *mail,
			 const struct buffer *composed, const char **error_r)
{
	const unsigned int delay = retry_delay(mail->attempts);
	char error[MAIL_SEND_ERROR_SIZE];

	if (mail_send(settings, mail->recipient, composed, error) == 0) {
		log_event(LOG_LEVEL_INFO, "mail-sent", "template",
			  mail->template, "account", mail->recipient, NULL);
		return note_sent(db, arena, mail->id, error_r);
	}
	if (mail->attempts + 1 >= ATTEMPTS_MAX) {
		log_error(NULL, "mail_send(%s) failed: %s: mail %" PRIu64
			  " (%s) is given up after %u tries",
			  settings->smtp_url, error, mail->id, mail->template,
			  ATTEMPTS_MAX);
		return outbox_sent(db, arena, mail->id, error_r);
	}
	log_warning(NULL, "mail_send(%s) failed: %s: mail %" PRIu64
		    " (%s) is tried again in %u seconds", settings->smtp_url,
		    error, mail->id, mail->template, delay);
	return outbox_failed(db, arena, mail->id, delay, error_r);
}

/* Returns 1 if there may be another. */
static int send_next(struct db *db, struct arena *arena, const char **error_r)
{
	struct buffer composed = BUFFER_INIT;
	struct outbox_mail mail;
	const char *url;
	int ret;

	if (unnoted != 0 && note_sent(db, arena, unnoted, error_r) < 0)
		return -1;
	ret = outbox_take(db, arena, LEASE_SECS, &mail, error_r);
	if (ret <= 0)
		return ret;
	ret = make_url(db, arena, &mail, &url, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0)
		/* the account is gone, or what the link would be for */
		ret = outbox_sent(db, arena, mail.id, error_r);
	else if (compose(arena, &mail, url, &composed))
		ret = send_composed(db, arena, &mail, &composed, error_r);
	else {
		log_error(NULL, "mail %" PRIu64 " cannot be made: is template "
			  "%s known, and are %s and mail_from addresses?",
			  mail.id, mail.template, mail.recipient);
		ret = outbox_sent(db, arena, mail.id, error_r);
	}
	buffer_free(&composed);
	return ret < 0 ? -1 : 1;
}

static unsigned int run(void *context)
{
	struct db *db = db_get(db_settings);
	struct arena *arena = arena_create();
	unsigned int count = 0;
	const char *error;
	int ret = 1;

	(void)context;
	file_resets(db, arena);
	while (settings->smtp_url[0] != '\0' && ret > 0 && count++ < BATCH &&
	       !mail_send_has_ended()) {
		ret = send_next(db, arena, &error);
		if (ret < 0)
			log_warning(NULL, "mail has to wait: %s", error);
		arena_free(&arena);
		arena = arena_create();
	}
	arena_free(&arena);
	return count > BATCH ? 0 : LOOK_SECS;
}

int notify_start(const struct settings *set, const struct db_settings *db_set,
		 const char **error_r)
{
	settings = set;
	db_settings = db_set;
	if (mail_send_init() < 0) {
		*error_r = "curl_global_init() failed";
		return -1;
	}
	sender = background_start(run, NULL);
	if (sender == NULL) {
		*error_r = "cannot make a thread";
		return -1;
	}
	return 0;
}

void notify_stop(void)
{
	struct arena *arena = arena_create();

	if (sender != NULL) {
		mail_send_end();
		background_stop(&sender);
		file_resets(db_get(db_settings), arena);
		mail_send_deinit();
	}
	arena_free(&arena);
}
