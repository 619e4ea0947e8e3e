#include "setup-private.h"
#include "arena.h"
#include "mail-send.h"

#include <curl/curl.h>

#define LOGIN_SECS 30L

static size_t drop(char *data, size_t size, size_t count,
		   void *context)
{
	(void)data; (void)context;
	return size * count;
}

static bool prepare(CURL *curl, const char *url, const char *ca,
		    const char *user, const char *password, char *error)
{
	const long tls = mail_url_is_local(url) ? CURLUSESSL_TRY :
		CURLUSESSL_ALL;

#define SET(option, value) \
	(curl_easy_setopt(curl, CURLOPT_ ## option, value) == CURLE_OK)
	return SET(ERRORBUFFER, error) &&
		SET(PROTOCOLS_STR, "imap,imaps") &&
		SET(URL, url) &&
		SET(USE_SSL, tls) &&
		SET(SSL_VERIFYPEER, 1L) && SET(SSL_VERIFYHOST, 2L) &&
		SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
		SET(NOSIGNAL, 1L) &&
		SET(TIMEOUT, LOGIN_SECS) &&
		SET(USERNAME, user) && SET(PASSWORD, password) &&
		SET(CUSTOMREQUEST, "NOOP") &&
		SET(WRITEFUNCTION, drop) &&
		(ca[0] == '\0' || (SET(CAINFO, ca) && SET(CAPATH, NULL)));
#undef SET
}

int setup_imap_login(struct arena *arena, const char *url, const char *ca,
		     const char *user, const char *password,
		     const char **error_r)
{
	char error[CURL_ERROR_SIZE] = "";
	CURLcode code = CURLE_OUT_OF_MEMORY;
	CURL *curl = curl_easy_init();

	if (curl != NULL && prepare(curl, url, ca, user, password, error))
		code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK)
		return 1;
	if (code == CURLE_LOGIN_DENIED)
		return 0;
	*error_r = arena_printf(arena, "login(%s) failed: %s", url,
				error[0] == '\0' ? curl_easy_strerror(code) :
				error);
	return -1;
}
