#ifndef NAMES_H
#define NAMES_H

/* Which names mailboxes and aliases may be given. The database checks the form
   once more and that the name is free; these rules say it while one can still
   read why. Pure; any thread. */

#include <stdbool.h>
#include <stddef.h>

/* Of an address, and of the part before the @. */
#define NAME_ADDRESS_MAX 254
#define NAME_LOCAL_MAX 64

enum name_fault {
	NAME_OK,
	NAME_EMPTY,
	NAME_TOO_SHORT,
	NAME_TOO_LONG,
	/* Not of a-z 0-9 - _ (capitals were made small before). */
	NAME_CHARACTER,
	/* Begins or ends with - or _. */
	NAME_EDGE,
	/* Holds what separates an extension from the name, "+" perhaps. */
	NAME_DELIMITER,
	/* postmaster, abuse, admin ... */
	NAME_RESERVED,

	NAME_FAULT_COUNT
};

struct name_rules {
	/* Characters; mailbox_name_min or alias_name_min, and name_max. */
	unsigned int min, max;
	/* Characters Postfix splits names at (recipient_delimiter), "" if none. */
	const char *delimiters;
	/* Lower case words; NULL-terminated list, may be NULL. */
	const char *const *reserved;
};

/* What reserved_names is unless it is set: names of RFC 2142 and the like. */
extern const char *const name_reserved_default[];

/* Makes ASCII capitals small, in a local part or an address. name_r has room for
   size bytes. Returns false if it does not fit. */
bool name_normalize(const char *name, char *name_r, size_t size);
/* A normalized local part. A super admin may take reserved and short names:
   then only form and the longest length count. */
enum name_fault name_check(const struct name_rules *rules, const char *name,
			   bool super_admin);

/* Splits at the last @. Returns false unless there is text on both sides, the
   whole is not too long, and no character is a control or a space. Needs not
   be one name_check() would let through: the mail server may have others. */
bool address_split(const char *address, char local_r[NAME_LOCAL_MAX + 1],
		   const char **domain_r);
/* "local@domain"; returns false if it does not fit. */
bool address_join(const char *local, const char *domain,
		  char address_r[NAME_ADDRESS_MAX + 1]);
/* What an account's e-mail address must at least be. */
bool address_is_email(const char *address);

#endif
