#include "html.h"

#include "buffer.h"
#include "language-private.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static const char *escape_of(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
		return NULL;
	}
	/* U+FFFD */
	return c < 0x20 || c == 0x7f ? "\357\277\275" : NULL;
}

static void append_text(struct buffer *out, const char *text, size_t size)
{
	size_t begin = 0, i;

	for (i = 0; i < size; i++) {
		const char *escape = escape_of((unsigned char)text[i]);

		if (escape == NULL)
			continue;
		buffer_append(out, text + begin, i - begin);
		buffer_append_str(out, escape);
		begin = i + 1;
	}
	buffer_append(out, text + begin, i - begin);
}

void html_text(struct buffer *out, const char *text)
{
	if (text != NULL)
		append_text(out, text, strlen(text));
}

/* RFC 3986, section 2.3. */
static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') ||
		c == '-' || c == '.' || c == '_' || c == '~';
}

void html_url(struct buffer *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *begin = text;

	for (; text != NULL && *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (is_unreserved(c))
			continue;
		buffer_append(out, begin, (size_t)(text - begin));
		buffer_append_char(out, '%');
		buffer_append_char(out, digits[c >> 4]);
		buffer_append_char(out, digits[c & 15]);
		begin = text + 1;
	}
	if (text != NULL)
		buffer_append(out, begin, (size_t)(text - begin));
}

void html_number(struct buffer *out, uint64_t number)
{
	char text[20];
	size_t i = sizeof(text);

	do {
		text[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buffer_append(out, text + i, sizeof(text) - i);
}

/* <time datetime="2026-11-24T14:32+0100">, or a date or time only. */
static void append_time_tag(struct buffer *out, uint64_t seconds,
			    enum language_value_type type)
{
	const time_t when = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof(text), type == LANGUAGE_VALUE_DATE ?
		     "%Y-%m-%d" : "%Y-%m-%dT%H:%M%z", &tm) == 0) {
		buffer_append_str(out, "<time>");
		return;
	}
	buffer_append_str(out, "<time datetime=\"");
	html_text(out, text);
	buffer_append_str(out, "\">");
}

static void append_address(struct buffer *out, const char *address)
{
	const size_t size = address == NULL ? 0 : strcspn(address, "@");

	if (size > 0)
		append_text(out, address, size);
	if (address != NULL && address[size] != '\0') {
		buffer_append_str(out, "<wbr>");
		html_text(out, address + size);
	}
}

void html_value(struct buffer *out, const struct language *language,
		enum html_place place, struct language_value value)
{
	const bool is_time = place == HTML_IN_TEXT &&
		(value.type == LANGUAGE_VALUE_DATE ||
		 value.type == LANGUAGE_VALUE_DATETIME ||
		 value.type == LANGUAGE_VALUE_TIME);

	if (value.type == LANGUAGE_VALUE_ADDRESS && place == HTML_IN_TEXT) {
		append_address(out, value.text);
		return;
	}
	if (value.type == LANGUAGE_VALUE_TEXT ||
	    value.type == LANGUAGE_VALUE_ADDRESS) {
		html_text(out, value.text);
		return;
	}
	if (value.type == LANGUAGE_VALUE_LINK) {
		html_text(out, value.text);
		html_url(out, value.parameter);
		return;
	}
	if (is_time)
		append_time_tag(out, value.number, value.type);
	/* Ours, and nothing in it has to be escaped. */
	language_append_value(out, language, &value);
	if (is_time)
		buffer_append_str(out, "</time>");
}

void html_message_values(struct buffer *out, const struct language *language,
			 enum html_place place, enum message message,
			 const struct language_value *values)
{
	const bool is_html = language->messages[message].is_html;
	const char *text = language_message_text(language, message, values);
	const struct language_value *value;
	struct language_piece piece;

	while (language_next_piece(&text, &piece)) {
		if (is_html)
			buffer_append(out, piece.text, piece.text_size);
		else
			append_text(out, piece.text, piece.text_size);
		if (piece.name == NULL)
			continue;
		value = language_find_value(values, &piece);
		if (value != NULL)
			html_value(out, language, place, *value);
	}
}
