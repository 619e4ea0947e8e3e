#ifndef MAILBOX_H
#define MAILBOX_H

/* Mailboxes: the mail server's, through pymailadmin_mailbox, with their owner
   and with what is being done to them. An account sees its own, a super admin
   all. Conventions: account.h. */

#include "request-state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct arena;
struct db;

/* How long is told of what went wrong. */
#define MAILBOX_FAILURE_DAYS 7

struct mailbox {
	const char *address, *domain;
	/* false: only reserved, it is being created. */
	bool exists;
	/* May one log in to it? */
	bool active;
	/* As the mail server's table has it, and in bytes if that is a quota. */
	const char *quota;
	uint64_t quota_bytes;
	uint64_t aliases;
	/* E-mail address of the account it belongs to; NULL if to none. */
	const char *owner;
	/* The account asked is the owner. */
	bool is_own;
	/* What was asked for it last and has not ended, if has_request. For the
	   whole: mailbox-request.h. */
	bool has_request;
	enum request_kind request_kind;
	enum request_state request_state;
	uint64_t request_created;
	/* The newest has ended in vain less than MAILBOX_FAILURE_DAYS ago, and
	   none is open. */
	bool has_failed;
	/* The database's clock when it was read. */
	uint64_t now;
};

struct mailbox_list {
	struct mailbox *mailboxes;
	size_t count;
};

enum mailbox_sort {
	MAILBOX_SORT_ADDRESS,
	MAILBOX_SORT_ADDRESS_DOWN,
	/* As the table's column sorts: with human forms that is not by size. */
	MAILBOX_SORT_QUOTA,
	MAILBOX_SORT_QUOTA_DOWN,

	MAILBOX_SORT_COUNT
};

#define MAILBOX_PAGE_SIZE 50

struct mailbox_query {
	const char *domain;
	/* Part of the address; "" or NULL: all. */
	const char *search;
	enum mailbox_sort sort;
	/* The last address of the page before; "" or NULL: the first page. */
	const char *after;
};

/* "address", "-address", "quota", "-quota", as in the query string; unknown
   ones sort by address. */
enum mailbox_sort mailbox_sort_parse(const char *name);
const char *mailbox_sort_name(enum mailbox_sort sort);

/* Those an account owns, and has reserved, by domain and address. Returns 0. */
int mailbox_list_own(struct db *db, struct arena *arena,
		     const struct account *account,
		     struct mailbox_list *list_r, const char **error_r);
/* A page of a domain: all of it for a super admin, else the account's own.
   more_r says whether others follow. Returns 0. */
int mailbox_list_domain(struct db *db, struct arena *arena,
			const struct account *account,
			const struct mailbox_query *query,
			struct mailbox_list *list_r, bool *more_r,
			const char **error_r);
/* How many all pages have together. Returns 0. */
int mailbox_count_domain(struct db *db, struct arena *arena,
			 const struct account *account,
			 const struct mailbox_query *query, uint64_t *count_r,
			 const char **error_r);
/* For the super admin's search over all domains: addresses that hold a text, at
   most MAILBOX_PAGE_SIZE. Returns 0. */
int mailbox_search(struct db *db, struct arena *arena,
		   const struct account *account, const char *search,
		   struct mailbox_list *list_r, bool *more_r,
		   const char **error_r);
/* Returns 1, or 0 if there is none or it is not the account's to see: which of
   them is not told. */
int mailbox_find(struct db *db, struct arena *arena,
		 const struct account *account, const char *address,
		 struct mailbox **mailbox_r, const char **error_r);
/* The hash of the mailbox's password, to check the old one (mailbox-hash.h), for
   whoever mailbox_find() finds it. Returns 1 or 0. */
int mailbox_get_hash(struct db *db, struct arena *arena,
		     const struct account *account, const char *address,
		     const char **hash_r, const char **error_r);
/* How many count against max_mailboxes: there or reserved. Returns 0. */
int mailbox_count(struct db *db, struct arena *arena, uint64_t account_id,
		  uint64_t *count_r, const char **error_r);

#endif
