#ifndef LANGUAGE_PRIVATE_H
#define LANGUAGE_PRIVATE_H

/* Between the files behind language.h, html.h and the generated messages. */

#include "language.h"

#include <stdbool.h>
#include <stddef.h>

struct language_message {
	/* other is NULL if it is no plural. */
	const char *one, *other;
	/* Has tags: it is HTML as it stands. */
	bool is_html;
};

struct language_forms {
	bool (*is_one)(uint64_t count);
	const char *months[12];
	/* Between groups of three digits, and before decimals. */
	const char *group, *decimal;
	/* "B" and larger ones, each with what stands before it. */
	const char *units[5];
	/* strftime() has neither our months nor French's first of the month. */
	void (*date)(struct buffer *out, const struct language *language,
		     int year, unsigned int month, unsigned int day);
	const char *hour_minute;
	bool is_hour_padded;
	const char *date_to_time;
};

extern const struct language_message language_messages_en[MSG_COUNT];
extern const struct language_message language_messages_fr[MSG_COUNT];

/* Cuts a message into static text and values. Returns false at its end. name_r
   is NULL after the last value, and not ended by a NUL. */
struct language_piece {
	const char *text, *name;
	size_t text_size, name_size;
};
bool language_next_piece(const char **message, struct language_piece *piece_r);
/* The text of a message, in the plural that fits. */
const char *language_message_text(const struct language *language,
				  enum message message,
				  const struct language_value *values);
/* NULL if there is none. */
const struct language_value *
language_find_value(const struct language_value *values,
		    const struct language_piece *piece);

#endif
