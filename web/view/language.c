#include "language-private.h"

#include "arena.h"
#include "buffer.h"

#include <string.h>

static bool english_is_one(uint64_t count)
{
	return count == 1;
}

static bool french_is_one(uint64_t count)
{
	return count <= 1;
}

static void english_date(struct buffer *out, const struct language *language,
			 int year, unsigned int month, unsigned int day)
{
	buffer_printf(out, "%u %s %d", day, language->forms->months[month],
		      year);
}

static void french_date(struct buffer *out, const struct language *language,
			int year, unsigned int month, unsigned int day)
{
	buffer_printf(out, "%u%s %s %d", day, day == 1 ? "er" : "",
		      language->forms->months[month], year);
}

#define NO_BREAK "\302\240"
#define NARROW_NO_BREAK "\342\200\257"

static const struct language_forms english = {
	.is_one = english_is_one,
	.months = { "January", "February", "March", "April", "May", "June",
		    "July", "August", "September", "October", "November",
		    "December" },
	.group = ",",
	.decimal = ".",
	.units = { NO_BREAK "B", NO_BREAK "kB", NO_BREAK "MB", NO_BREAK "GB",
		   NO_BREAK "TB" },
	.date = english_date,
	.hour_minute = ":",
	.is_hour_padded = true,
	.date_to_time = ", ",
};

static const struct language_forms french = {
	.is_one = french_is_one,
	.months = { "janvier", "février", "mars", "avril", "mai", "juin",
		    "juillet", "août", "septembre", "octobre", "novembre",
		    "décembre" },
	.group = NARROW_NO_BREAK,
	.decimal = ",",
	.units = { NO_BREAK "o", NO_BREAK "ko", NO_BREAK "Mo", NO_BREAK "Go",
		   NO_BREAK "To" },
	.date = french_date,
	.hour_minute = NO_BREAK "h" NO_BREAK,
	.date_to_time = " à ",
};

const struct language languages[] = {
	{ "en", "English", language_messages_en, &english },
	{ "fr", "Français", language_messages_fr, &french },
};
const unsigned int languages_count = sizeof(languages) / sizeof(languages[0]);

const struct language *language_find(const char *code)
{
	if (code == NULL)
		return NULL;
	for (unsigned int i = 0; i < languages_count; i++) {
		if (strcmp(languages[i].code, code) == 0)
			return &languages[i];
	}
	return NULL;
}

bool language_next_piece(const char **_message, struct language_piece *piece_r)
{
	const char *message = *_message, *begin, *end;

	if (*message == '\0')
		return false;
	piece_r->text = message;
	piece_r->name = NULL;
	piece_r->name_size = 0;
	begin = message + strcspn(message, "{");
	end = strchr(begin, '}');
	piece_r->text_size = begin - message;
	if (end == NULL) {
		*_message = begin + strlen(begin);
		return true;
	}
	piece_r->name = begin + 1;
	piece_r->name_size = end - piece_r->name;
	*_message = end + 1;
	return true;
}

const struct language_value *
language_find_value(const struct language_value *values,
		    const struct language_piece *piece)
{
	for (; values->name != NULL; values++) {
		if (strlen(values->name) == piece->name_size &&
		    memcmp(values->name, piece->name, piece->name_size) == 0)
			return values;
	}
	return NULL;
}

const char *language_message_text(const struct language *language,
				  enum message message,
				  const struct language_value *values)
{
	static const struct language_piece count = {
		.name = "count", .name_size = 5
	};
	const struct language_message *found = &language->messages[message];
	const struct language_value *value;

	if (found->other == NULL)
		return found->one;
	value = language_find_value(values, &count);
	return value == NULL || language->forms->is_one(value->number) ?
		found->one : found->other;
}

void language_append_values(struct buffer *out, const struct language *language,
			    enum message message,
			    const struct language_value *values)
{
	const char *text = language_message_text(language, message, values);
	const struct language_value *value;
	struct language_piece piece;

	while (language_next_piece(&text, &piece)) {
		buffer_append(out, piece.text, piece.text_size);
		if (piece.name == NULL)
			continue;
		value = language_find_value(values, &piece);
		if (value != NULL)
			language_append_value(out, language, value);
	}
}

char *language_text_values(struct arena *arena, const struct language *language,
			   enum message message,
			   const struct language_value *values)
{
	struct buffer buffer = BUFFER_INIT;
	char *text;

	language_append_values(&buffer, language, message, values);
	text = arena_strdup(arena, buffer_str(&buffer));
	buffer_free(&buffer);
	return text;
}
