#ifndef SITE_H
#define SITE_H

/* What all pages share, and what goes on beside them: the database's address,
   the secret key, and threads that delete what has expired and send mails. */

#include "secret-key.h"

struct db_settings;
struct page;
struct settings;

/* Before the server is started; a database that is away is waited for. Returns
   0, or -1 with a static text in *error_r. */
int site_start(const struct settings *set, const char **error_r);
/* After the server has ended. */
void site_stop(void);

/* As long as the site is started; any thread. */
extern const struct db_settings *const site_db_settings;
extern const struct secret_key *const site_secret_key;
extern const struct settings *site_settings;

/* The key of this request's forms: the session's or, of people who are not
   logged in, of the cookie, which is set if it was not there. In the arena. */
const unsigned char *site_csrf_key(struct page *page);
/* Whose forms have one token, whatever they are for. */
#define SITE_CSRF_FORM "form"

#endif
