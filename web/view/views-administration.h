#ifndef VIEWS_ADMINISTRATION_H
#define VIEWS_ADMINISTRATION_H

/* Views of accounts, domains and owners, for super admins. */

#include "views-account.h"
#include "views-join.h"
#include "views-list.h"

/* GET /administration: the way to all of it, with what there is. */
struct view_administration {
	uint64_t accounts, accounts_off;
	uint64_t domains;
	/* For an account, and of the mail host: open, and in vain within seven
	   days. */
	uint64_t waiting;
	uint64_t requests_open, requests_failed;
	/* Addresses of deleted mailboxes. */
	uint64_t reserved;
};
void view_administration(struct buffer *out, const struct view_frame *frame,
			 const struct view_administration *v);

struct view_accounts_row {
	const char *id, *email;
	enum view_role role;
	bool is_active;
	uint64_t mailboxes;
	/* 0: not known. */
	uint64_t seen;
};

/* GET /accounts. search and after are its query. */
struct view_accounts {
	const struct view_accounts_row *accounts;
	unsigned int accounts_count;
	const char *search;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_accounts(struct buffer *out, const struct view_frame *frame,
		   const struct view_accounts *v);

struct view_accounts_language {
	const char *code, *name;
	bool is_chosen;
};

/* POST /accounts/add: email, role ("user", "admin", "super_admin"), language,
   domain-*, domains, max-mailboxes, max-aliases. */
struct view_accounts_add {
	/* As typed. */
	const char *email;
	enum view_role role;
	const struct view_accounts_language *languages;
	unsigned int languages_count;
	const struct view_domain_choice *domains;
	unsigned int domains_count;
	bool has_more_domains;
	/* As typed; limits empty: what counts for everybody. */
	const char *more_domains;
	const char *max_mailboxes, *max_aliases;
	unsigned int default_mailboxes, default_aliases;
	/* The portal has no relay, and so writes to nobody. */
	bool is_silent;
	/* How long the link to choose a password works. */
	uint64_t valid_secs;
};
void view_accounts_add(struct buffer *out, const struct view_frame *frame,
		       const struct view_accounts_add *v);

/* Whose account a page is about, for its heading and way back. */
struct view_accounts_subject {
	const char *id, *email;
	/* It is one's own: there is nothing to be done to it here. */
	bool is_own;
};

/* What an account did to a mailbox. */
struct view_accounts_act {
	uint64_t time;
	const char *text, *address;
};

/* GET /accounts/account: id. */
struct view_accounts_account {
	struct view_accounts_subject subject;
	enum view_role role;
	bool is_active;
	/* Its owner has chosen one. */
	bool has_password;
	/* By name, some of them, with a comma between; NULL: none. */
	const char *domains;
	unsigned int domains_more;
	/* 0 as a limit: none. */
	uint64_t mailboxes_used;
	unsigned int mailboxes_max, aliases_max;
	unsigned int sessions;
	/* 0: not known; without a second factor. */
	uint64_t seen, two_factor_since;
	uint64_t created, password_changed;
	const struct view_mailbox_row *mailboxes;
	unsigned int mailboxes_count;
	const struct view_accounts_act *acts;
	unsigned int acts_count;
};
void view_accounts_account(struct buffer *out, const struct view_frame *frame,
			   const struct view_accounts_account *v);

/* POST /accounts/role: id, was, role. */
struct view_accounts_role {
	struct view_accounts_subject subject;
	enum view_role role;
	/* The role as the form says it. */
	const char *was;
};
void view_accounts_role(struct buffer *out, const struct view_frame *frame,
			const struct view_accounts_role *v);

/* POST /accounts/active: id, active ("1", "0"). */
struct view_accounts_active {
	struct view_accounts_subject subject;
	bool is_active;
	uint64_t mailboxes;
};
void view_accounts_active(struct buffer *out, const struct view_frame *frame,
			  const struct view_accounts_active *v);

/* POST /accounts/delete: id, typed. */
struct view_accounts_delete {
	struct view_accounts_subject subject;
	/* That will be nobody's. */
	uint64_t mailboxes;
};
void view_accounts_delete(struct buffer *out, const struct view_frame *frame,
			  const struct view_accounts_delete *v);

/* POST /accounts/limits: id, max-mailboxes, max-aliases. */
struct view_accounts_limits {
	struct view_accounts_subject subject;
	/* As typed; empty: what counts for everybody. */
	const char *max_mailboxes, *max_aliases;
	unsigned int default_mailboxes, default_aliases;
	/* No limit binds it. */
	bool is_unbound;
};
void view_accounts_limits(struct buffer *out, const struct view_frame *frame,
			  const struct view_accounts_limits *v);

struct view_accounts_domain {
	const char *name;
};

/* POST /accounts/domains: id, domain-*, domains;
   POST /accounts/domains/take: id, domain-0. */
struct view_accounts_domains {
	struct view_accounts_subject subject;
	/* Has all domains anyway. */
	bool is_super_admin;
	const struct view_accounts_domain *names;
	unsigned int names_count;
	/* Others, to be given. */
	const struct view_domain_choice *domains;
	unsigned int domains_count;
	bool has_more_domains;
	/* As typed. */
	const char *more_domains;
};
void view_accounts_domains(struct buffer *out, const struct view_frame *frame,
			   const struct view_accounts_domains *v);

/* POST /accounts/log-out: id; POST /accounts/two-factor: id. */
struct view_accounts_log_out {
	struct view_accounts_subject subject;
	/* The second factor too. */
	bool is_two_factor;
	/* There is nothing to end. */
	bool is_nothing;
	unsigned int sessions;
};
void view_accounts_log_out(struct buffer *out, const struct view_frame *frame,
			   const struct view_accounts_log_out *v);

struct view_domains_row {
	const char *name;
	uint64_t mailboxes, aliases, accounts;
	bool can_remove;
};

/* GET /domains. search and after are its query. */
struct view_domains {
	bool can_add;
	const struct view_domains_row *domains;
	unsigned int domains_count;
	const char *search;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_domains(struct buffer *out, const struct view_frame *frame,
		  const struct view_domains *v);

/* POST /domains/add: name. */
struct view_domains_add {
	/* As typed. */
	const char *name;
};
void view_domains_add(struct buffer *out, const struct view_frame *frame,
		      const struct view_domains_add *v);

/* POST /domains/remove: name. */
struct view_domains_remove {
	const char *name;
	/* That lose it. */
	uint64_t accounts;
};
void view_domains_remove(struct buffer *out, const struct view_frame *frame,
			 const struct view_domains_remove *v);

struct view_reserved_address {
	const char *address;
	uint64_t removed, until;
};

/* GET /reserved-addresses. search and after are its query.
   POST /reserved-addresses/free: address. */
struct view_reserved_addresses {
	const struct view_reserved_address *addresses;
	unsigned int addresses_count;
	const char *search;
	/* What "after" is on the next page, if there is one. */
	const char *next;
	bool is_later_page;
};
void view_reserved_addresses(struct buffer *out,
			     const struct view_frame *frame,
			     const struct view_reserved_addresses *v);

/* POST /mailbox/owner: address, was, and email or nobody ("1"). */
struct view_mailbox_owner {
	const char *address;
	/* NULL: nobody's. */
	const char *owner;
	/* As typed. */
	const char *email;
	/* Something is asked of the mail host for it: only later. */
	bool is_busy;
};
void view_mailbox_owner(struct buffer *out, const struct view_frame *frame,
			const struct view_mailbox_owner *v);

#endif
