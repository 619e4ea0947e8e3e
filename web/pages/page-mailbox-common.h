#ifndef PAGE_MAILBOX_COMMON_H
#define PAGE_MAILBOX_COMMON_H

/* What the pages of mailboxes and aliases share. */

#include "mailbox-hash.h"
#include "mailbox-request.h"
#include "page-frame.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct mailbox;
struct name_rules;
struct page;
struct view_limits;

/* The address in the form or, of a page that is only looked at, its query. */
const char *page_mailbox_asked(struct page *page);

/* ---- finding

   These return true with what was asked for, or false with the page answered:
   404, whether it is not there or not the account's, or 500. */
bool page_mailbox_find(struct page *page, const char *address,
		       struct mailbox **mailbox_r,
		       enum page_result *result_r);
/* *request_r is NULL if there never was one. */
bool page_mailbox_find_request(struct page *page,
			       const struct mailbox *mailbox,
			       struct mailbox_request **request_r,
			       enum page_result *result_r);

/* Is something being done to the mailbox that keeps other requests out? */
bool page_mailbox_is_busy(const struct mailbox *mailbox);

bool page_mailbox_is_super_admin(const struct page *page);

/* A path of ours and its arguments, names and values in turn, encoded; NULL
   ends them. In the arena. */
const char *page_mailbox_url(struct page *page, const char *path, ...)
	ATTR_SENTINEL;
/* 303 to the page of a mailbox. */
enum page_result page_mailbox_redirect(struct page *page, const char *address);

/* ---- showing */

#define PAGE_NOTICES_MAX 4

/* What a page has to say on top, besides what page-notice.h brings. */
struct page_notices {
	struct view_notice notices[PAGE_NOTICES_MAX];
	unsigned int count;
};

void page_notices_add(struct page_notices *notices, enum view_notice_kind kind,
		      const char *text);
/* page_show() without a form. */
#define page_show_notices(page, view, notices, v) \
	(view(&(page)->response->body, page_notices_frame(page, notices), v), \
	 page_shown(page, NULL))
const struct view_frame *page_notices_frame(struct page *page,
					    const struct page_notices *notices);

/* ---- limits */

void page_mailbox_limits(const struct page *page, struct view_limits *limits_r);
/* reserved is in the arena. */
void page_mailbox_name_rules(struct page *page, unsigned int min,
			     struct name_rules *rules_r);
/* Aliases this account may give a mailbox; 0: any number. */
unsigned int page_mailbox_max_aliases(const struct page *page);

/* ---- passwords */

/* Checks field "new" and its repetition; what is wrong is said in the form. The
   address may be that of a mailbox to be. */
bool page_mailbox_check_new_password(struct page *page,
				     struct page_errors *errors,
				     const char *address);

/* For page_run_slow(). */
struct mailbox_hash_work {
	/* Checks the password if it is not NULL, against the hash ... */
	const char *password, *stored_hash;
	/* ... and makes one of the new password if that is not NULL, unless the
	   other was wrong. */
	const char *new_password;
	enum mailbox_hash_scheme scheme;
	struct mailbox_hash_cost cost;

	/* The password may go on to the mail host. */
	bool is_right;
	/* Was made; else there was no memory. */
	bool has_new_hash;
	char new_hash[MAILBOX_HASH_SIZE];
};

void mailbox_hash_work_init(const struct page *page,
			    struct mailbox_hash_work *work_r);
/* The stored hash, which its password is to be checked against: as often as
   that may be tried. Returns false with the page answered. */
bool page_mailbox_read_hash(struct page *page, const struct mailbox *mailbox,
			    struct mailbox_hash_work *work,
			    enum page_result *result_r);
void mailbox_hash_work_run(struct mailbox_hash_work *work);
/* The password was not the mailbox's. */
void page_mailbox_log_wrong(const struct page *page,
			    const struct mailbox *mailbox);

/* ---- requests */

/* Files it, and notes that in the log. Returns true with what became of it, or
   false with the page answered: it is not there (any more), or an error. */
bool page_mailbox_file(struct page *page, const struct mailbox_request_new *new,
		       enum mailbox_request_result *filed_r,
		       enum page_result *result_r);

#endif
