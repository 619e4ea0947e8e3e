#ifndef ACCOUNT_PRIVATE_H
#define ACCOUNT_PRIVATE_H

/* The columns of an account, where another store joins them. */

#include "account.h"

struct db_value;

/* Of a table or join in which the account is called a. */
#define ACCOUNT_COLUMNS \
	"a.id,a.email,a.language,a.role,a.max_mailboxes,a.max_aliases," \
	"a.totp_confirmed_at IS NOT NULL"
#define ACCOUNT_COLUMNS_COUNT 7

struct account *account_from_row(struct arena *arena,
				 const struct db_value *values);

#endif
