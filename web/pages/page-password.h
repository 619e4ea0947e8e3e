#ifndef PAGE_PASSWORD_H
#define PAGE_PASSWORD_H

/* The account's password, asked for once more before something that matters,
   and new ones, also of mailboxes. */

#include "page.h"
#include "portal-password.h"

#include <stdbool.h>

struct page_errors;

/* For page_run_slow(). */
struct password_work {
	/* NULL: it need not be verified. */
	const char *password;
	/* The account's. */
	const char *hash;
	/* To be hashed if the other is right; may be NULL. */
	const char *new_password;

	bool right, hashed;
	char new_hash[PORTAL_PASSWORD_HASH_SIZE];
};

void password_work_run(void *context);

/* Begins to verify the password of who is logged in, of which so many may be
   tried as at log-in; then() finds the work in page->context. */
enum page_result page_password_verify(struct page *page, const char *password,
				      const char *new_password,
				      page_handler_t *then);
/* Of the account's own: hashes look at no more. */
#define PAGE_PASSWORD_BYTES_MAX 512
/* Checks the fields "new" and "repeat" of what opens the account or mailbox
   address. Returns false with an error added, which says why. */
bool page_password_check_new(struct page *page, const char *address,
			     unsigned int bytes_max,
			     struct page_errors *errors);
/* Says that a field's password is not the account's. */
void page_password_add_wrong(struct page *page, struct page_errors *errors,
			     const char *field);

#endif
