#include "mail-send.h"
#include "buffer.h"
#include "clock.h"
#include "settings.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_SECS 15L
/* The relay may have taken the mail and be about to say so. */
#define END_MSECS 3000

/* By clock_msecs(); 0: there is no end in sight. */
static atomic_uint_fast64_t ends_at;

struct upload {
	const struct buffer *mail;
	size_t sent;
};

int mail_send_init(void)
{
	atomic_store(&ends_at, 0);
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

void mail_send_deinit(void)
{
	curl_global_cleanup();
}

void mail_send_end(void)
{
	atomic_store(&ends_at, clock_msecs() + END_MSECS);
}

bool mail_send_has_ended(void)
{
	return atomic_load(&ends_at) != 0;
}

/* Called about once a second, also when nothing moves. */
static int look_at_the_clock(void *context, curl_off_t download_size,
			     curl_off_t downloaded, curl_off_t upload_size,
			     curl_off_t uploaded)
{
	(void)context; (void)download_size; (void)downloaded;
	(void)upload_size; (void)uploaded;
	return mail_send_has_ended() && clock_msecs() > atomic_load(&ends_at);
}

static size_t upload(char *data, size_t size, size_t count, void *context)
{
	struct upload *upload = context;
	size_t chunk = upload->mail->size - upload->sent;

	if (chunk > size * count)
		chunk = size * count;
	memcpy(data, upload->mail->data + upload->sent, chunk);
	upload->sent += chunk;
	return chunk;
}

bool mail_url_is_local(const char *url)
{
	static const char *const hosts[] = {
		"localhost", "127.0.0.1", "[::1]"
	};
	const char *host = strstr(url, "://");
	size_t i, len;

	if (host == NULL)
		return false;
	host += 3;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		len = strlen(hosts[i]);
		if (strncmp(host, hosts[i], len) == 0 &&
		    (host[len] == '\0' || host[len] == ':' ||
		     host[len] == '/'))
			return true;
	}
	return false;
}

static bool prepare(CURL *curl, const struct settings *set,
		    const struct curl_slist *to, struct upload *context,
		    char *error)
{
	const long tls = mail_url_is_local(set->smtp_url) ? CURLUSESSL_NONE :
		CURLUSESSL_ALL;

#define SET(option, value) \
	(curl_easy_setopt(curl, CURLOPT_ ## option, value) == CURLE_OK)
	if (!SET(ERRORBUFFER, error) ||
	    !SET(PROTOCOLS_STR, "smtp,smtps") ||
	    !SET(URL, set->smtp_url) ||
	    !SET(USE_SSL, tls) ||
	    !SET(SSL_VERIFYPEER, 1L) || !SET(SSL_VERIFYHOST, 2L) ||
	    !SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    !SET(NOSIGNAL, 1L) ||
	    !SET(CONNECTTIMEOUT, CONNECT_SECS) ||
	    !SET(TIMEOUT, (long)MAIL_SEND_SECS) ||
	    !SET(MAIL_FROM, set->mail_from) ||
	    !SET(MAIL_RCPT, to) ||
	    !SET(NOPROGRESS, 0L) ||
	    !SET(XFERINFOFUNCTION, look_at_the_clock) ||
	    !SET(READFUNCTION, upload) || !SET(READDATA, context) ||
	    !SET(UPLOAD, 1L))
		return false;
	/* No other one counts then. */
	if (set->smtp_tls_ca[0] != '\0' &&
	    (!SET(CAINFO, set->smtp_tls_ca) || !SET(CAPATH, NULL)))
		return false;
	return set->smtp_user[0] == '\0' ||
		(SET(USERNAME, set->smtp_user) &&
		 SET(PASSWORD, set->smtp_password));
#undef SET
}

int mail_send(const struct settings *set, const char *to,
	      const struct buffer *mail, char error_r[MAIL_SEND_ERROR_SIZE])
{
	struct upload context = { .mail = mail };
	struct curl_slist *recipients = curl_slist_append(NULL, to);
	char error[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (curl != NULL && recipients != NULL &&
	    prepare(curl, set, recipients, &context, error))
		code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	curl_slist_free_all(recipients);
	if (code == CURLE_OK)
		return 0;
	(void)snprintf(error_r, MAIL_SEND_ERROR_SIZE, "%s",
		       error[0] == '\0' ? curl_easy_strerror(code) : error);
	return -1;
}
