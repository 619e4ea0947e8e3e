#ifndef PAGE_MAILBOX_WORDS_H
#define PAGE_MAILBOX_WORDS_H

/* What is known of mailboxes by code, said to people, in the page's language.
   Texts are in the arena. A code that is not known has a general text. */

#include "names.h"
#include "password-rules.h"

#include <stdbool.h>
#include <stdint.h>

struct event;
struct mailbox;
struct mailbox_request;
struct page;
struct page_notices;
struct view_mailbox_state;

/* The fault is not PASSWORD_OK. */
const char *password_fault_words(struct page *page,
				 const struct password_rules *rules,
				 enum password_fault fault,
				 enum password_weakness weakness);
/* The fault is not NAME_OK. */
const char *name_fault_words(struct page *page, const struct name_rules *rules,
			     enum name_fault fault);

/* How a request ended in vain: why, and what to do. */
void request_failure_words(struct page *page, const char *outcome,
			   const char **reason_r, const char **remedy_r);
/* Why an open request waits, or what is to be known of one that is done; NULL
   if nothing. */
const char *request_waiting_words(struct page *page,
				  const struct mailbox_request *request);
const char *request_done_words(struct page *page,
			       const struct mailbox_request *request);
/* Of an open request nobody works on: says on the page if no mail host asks for
   work, or if it has not begun in time. Returns false with the error. */
bool request_say_host(struct page *page, struct page_notices *notices,
		      const struct mailbox_request *request,
		      const char **error_r);

/* The time for a change of password is over, but the mail host has not said so:
   the old password is the password. */
bool request_is_overdue(const struct mailbox_request *request);
/* 0 to 100 */
unsigned int request_percent(const struct mailbox_request *request);
/* Of encrypting stored mail, 0 if that is not known. */
uint64_t request_left_secs(const struct mailbox_request *request);
/* request: the mailbox's newest, or NULL. */
void mailbox_state_words(struct page *page, const struct mailbox *mailbox,
			 const struct mailbox_request *request,
			 struct view_mailbox_state *state_r);

/* Both NULL for an event that is not for people. */
void event_words(struct page *page, const struct event *event,
		 const char **text_r, const char **actor_r);

#endif
