#include "mail-compose.h"
#include "buffer.h"
#include "names.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

/* Of an encoded word's text: with what is around it, below 75 (RFC 2047). */
#define WORD_BYTES_MAX 39
#define UTF8_BYTES_MAX 4
/* RFC 2045, section 6.7, without the soft line break's "=". */
#define LINE_MAX_CHARS 75

bool mail_address_is_safe(const char *address)
{
	const char *p;

	for (p = address; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return false;
	}
	return address_is_email(address);
}

static void append_base64(struct buffer *out, const unsigned char *data,
			  size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < size; i += 3) {
		const unsigned int bits = (unsigned int)data[i] << 16 |
			(i + 1 < size ? (unsigned int)data[i + 1] << 8 : 0) |
			(i + 2 < size ? (unsigned int)data[i + 2] : 0);

		buffer_append_char(out, digits[bits >> 18]);
		buffer_append_char(out, digits[bits >> 12 & 0x3f]);
		buffer_append_char(out, i + 1 < size ?
				   digits[bits >> 6 & 0x3f] : '=');
		buffer_append_char(out, i + 2 < size ? digits[bits & 0x3f] :
				   '=');
	}
}

/* The length of the next piece that ends where a character does. */
static size_t piece_size(const char *text)
{
	size_t size = 0, next;

	while (text[size] != '\0') {
		next = size + 1;
		while (((unsigned char)text[next] & 0xc0) == 0x80 &&
		       next - size < UTF8_BYTES_MAX)
			next++;
		if (next > WORD_BYTES_MAX && size > 0)
			break;
		size = next;
	}
	return size;
}

/* Always as encoded words, a line each: whatever is in it. */
static void append_words(struct buffer *out, const char *text)
{
	size_t size;

	do {
		size = piece_size(text);
		buffer_append_str(out, "=?UTF-8?B?");
		append_base64(out, (const unsigned char *)text, size);
		buffer_append_str(out, "?=");
		text += size;
		if (*text != '\0')
			buffer_append_str(out, "\r\n ");
	} while (*text != '\0');
}

static void append_date(struct buffer *out, uint64_t date)
{
	static const char days[][4] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
	};
	static const char months[][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	const time_t seconds = (time_t)date;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return;
	buffer_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n",
		      days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		      tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* A character as it may stand in quoted-printable text; encoded where a line
   ends with it, if it is a space or a tab. */
static void append_quoted(struct buffer *out, unsigned char c, char next,
			  size_t *line_chars)
{
	const bool at_end = next == '\n' || next == '\0';
	const bool plain = (c > ' ' && c <= '~' && c != '=') ||
		(c == ' ' && !at_end);
	const size_t chars = plain ? 1 : 3;

	if (*line_chars + chars > LINE_MAX_CHARS) {
		buffer_append_str(out, "=\r\n");
		*line_chars = 0;
	}
	if (plain)
		buffer_append_char(out, (char)c);
	else
		buffer_printf(out, "=%02X", c);
	*line_chars += chars;
}

static void append_text(struct buffer *out, const char *text)
{
	size_t line_chars = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			buffer_append_str(out, "\r\n");
			line_chars = 0;
		} else {
			append_quoted(out, (unsigned char)*text, text[1],
				      &line_chars);
		}
	}
	buffer_append_str(out, "\r\n");
}

bool mail_compose(struct buffer *out, const struct mail *mail)
{
	if (!mail_address_is_safe(mail->from) ||
	    !mail_address_is_safe(mail->to))
		return false;
	append_date(out, mail->date);
	buffer_append_str(out, "From: ");
	append_words(out, mail->from_name);
	buffer_printf(out, "\r\n <%s>\r\nTo: <%s>\r\nSubject: ", mail->from,
		      mail->to);
	append_words(out, mail->subject);
	buffer_printf(out, "\r\nMessage-ID: <%s%s>\r\n", mail->id,
		      strrchr(mail->from, '@'));
	buffer_printf(out, "Content-Language: %s\r\n", mail->language);
	buffer_append_str(out,
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	append_text(out, mail->text);
	return true;
}
