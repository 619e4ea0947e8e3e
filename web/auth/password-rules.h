#ifndef PASSWORD_RULES_H
#define PASSWORD_RULES_H

/* Which new passwords are taken, for mailboxes and for the portal. The answer
   is a code, for which pages have words. Pure; any thread; below 1 ms. */

#include <stdbool.h>

#define PASSWORD_CHARS_MAX 128

enum password_fault {
	PASSWORD_OK,
	/* Fewer characters than the least, more than PASSWORD_CHARS_MAX. */
	PASSWORD_TOO_SHORT,
	PASSWORD_TOO_LONG,
	/* More bytes than the scheme looks at (72 for bcrypt). */
	PASSWORD_TOO_MANY_BYTES,
	PASSWORD_NOT_UTF8,
	PASSWORD_CONTROL_CHARACTER,
	/* zxcvbn's score is below the least. */
	PASSWORD_TOO_WEAK
};

/* Why a password is weak, for advice: the costliest part of what zxcvbn found in
   it. */
enum password_weakness {
	PASSWORD_WEAKNESS_NONE,
	/* A common password or word. */
	PASSWORD_WEAKNESS_WORD,
	/* A part of the address or the name of this service. */
	PASSWORD_WEAKNESS_USER_WORD,
	/* Neighbours on the keyboard. */
	PASSWORD_WEAKNESS_KEYBOARD,
	PASSWORD_WEAKNESS_REPEAT,
	PASSWORD_WEAKNESS_SEQUENCE,
	PASSWORD_WEAKNESS_DATE,
	/* None of these: only too short for what it is made of. */
	PASSWORD_WEAKNESS_SHORT,

	PASSWORD_WEAKNESS_COUNT
};

struct password_rules {
	unsigned int min_chars;
	/* mailbox_hash_password_max() */
	unsigned int max_bytes;
	/* 0 to 4 */
	unsigned int min_score;
};

struct password_strength {
	/* 0 (worst) to 4 */
	unsigned int score;
	enum password_weakness weakness;
};

/* The address of the account or mailbox and the product's name may each be NULL:
   their parts count as words everybody would guess. strength_r may be NULL; it
   is set unless the fault is one of the form. */
enum password_fault
password_rules_check(const struct password_rules *rules, const char *password,
		     const char *address, const char *product_name,
		     struct password_strength *strength_r);

/* Valid UTF-8, without surrogates, and its number of characters. */
bool password_rules_count_chars(const char *text, unsigned int *chars_r);

#endif
