#ifndef LANGUAGE_H
#define LANGUAGE_H

/* The languages of pages and mails: their messages, and the form that numbers,
   times and sizes have in them. Messages stand in web/locales/; MSG_name is
   the one whose msgid is "name". All of this is static and constant: any
   thread. Times are seconds since the epoch, shown in the time zone of the
   host (TZ). */

#include "messages.h"

#include <stdint.h>

struct arena;
struct buffer;

struct language {
	/* "en", as in <html lang> and Accept-Language. */
	const char *code;
	/* "English", in its own words. */
	const char *name;
	/* private */
	const struct language_message *messages;
	const struct language_forms *forms;
};

/* All there are; the first is English. */
extern const struct language languages[];
extern const unsigned int languages_count;

/* NULL if there is none of this code, or code is NULL. */
const struct language *language_find(const char *code);
/* The best one for the value of an Accept-Language header (RFC 9110, section
   12.5.4); what is malformed in it is passed over. NULL if it is NULL or names
   none that we have. */
const struct language *language_from_accept(const char *header);

enum language_value_type {
	LANGUAGE_VALUE_TEXT,
	LANGUAGE_VALUE_ADDRESS,
	LANGUAGE_VALUE_NUMBER,
	LANGUAGE_VALUE_SIZE,
	LANGUAGE_VALUE_DATE,
	LANGUAGE_VALUE_DATETIME,
	LANGUAGE_VALUE_TIME,
	LANGUAGE_VALUE_DURATION,
	LANGUAGE_VALUE_LINK
};

/* What stands for {name} in a message. */
struct language_value {
	const char *name;
	enum language_value_type type;
	const char *text, *parameter;
	uint64_t number;
};

static inline struct language_value
language_value_text(const char *name, enum language_value_type type,
		    const char *text)
{
	return (struct language_value){ name, type, text, 0, 0 };
}

static inline struct language_value
language_value_number(const char *name, enum language_value_type type,
		      uint64_t number)
{
	return (struct language_value){ name, type, 0, 0, number };
}

#define LANGUAGE_TEXT(name, text) \
	language_value_text(name, LANGUAGE_VALUE_TEXT, text)
/* A mail address, which HTML may break before its @ and nowhere else: for large
   type. */
#define LANGUAGE_ADDRESS(name, text) \
	language_value_text(name, LANGUAGE_VALUE_ADDRESS, text)
/* 1,204 */
#define LANGUAGE_NUMBER(name, number) \
	language_value_number(name, LANGUAGE_VALUE_NUMBER, number)
/* 3.1 GB; of bytes. A GB is 1024 MB, as in Dovecot's quota. */
#define LANGUAGE_SIZE(name, number) \
	language_value_number(name, LANGUAGE_VALUE_SIZE, number)
/* 24 November 2026 */
#define LANGUAGE_DATE(name, seconds) \
	language_value_number(name, LANGUAGE_VALUE_DATE, seconds)
/* 24 November 2026, 14:32 */
#define LANGUAGE_DATETIME(name, seconds) \
	language_value_number(name, LANGUAGE_VALUE_DATETIME, seconds)
/* 14:32 */
#define LANGUAGE_TIME(name, seconds) \
	language_value_number(name, LANGUAGE_VALUE_TIME, seconds)
/* 15 minutes; of seconds, in the largest unit that says it, rounded. */
#define LANGUAGE_DURATION(name, seconds) \
	language_value_number(name, LANGUAGE_VALUE_DURATION, seconds)
/* An address of ours in a message whose name ends in _html: a path, and the
   value of its last parameter, or NULL. */
#define LANGUAGE_LINK(name, path, value) \
	((struct language_value){ name, LANGUAGE_VALUE_LINK, path, value, 0 })

#define LANGUAGE_VALUES(...) \
	((const struct language_value[]){ __VA_ARGS__ __VA_OPT__(,) { 0 } })

/* The message as plain text, in the arena:

     language_text(arena, language, MSG_wrong_name_taken,
		   LANGUAGE_TEXT("address", address))

   Each {name} of the message has to be given; a test reads the sources for
   that. One that is not is left out. A plural is chosen by the number
   "count". */
#define language_text(arena, language, message, ...) \
	language_text_values(arena, language, message, \
			     LANGUAGE_VALUES(__VA_ARGS__))
char *language_text_values(struct arena *arena, const struct language *language,
			   enum message message,
			   const struct language_value *values);
/* The same at the end of a buffer. */
#define language_append(out, language, message, ...) \
	language_append_values(out, language, message, \
			       LANGUAGE_VALUES(__VA_ARGS__))
void language_append_values(struct buffer *out, const struct language *language,
			    enum message message,
			    const struct language_value *values);

/* One value in the language's form; its name does not matter. */
void language_append_value(struct buffer *out, const struct language *language,
			   const struct language_value *value);

#endif
