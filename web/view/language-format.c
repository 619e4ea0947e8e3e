#include "language-private.h"

#include "buffer.h"

#include <string.h>
#include <time.h>

static void append_number(struct buffer *out, const struct language *language,
			  uint64_t number)
{
	char digits[20];
	unsigned int count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (count-- > 0) {
		buffer_append_char(out, digits[count]);
		/* A space in "1 204" helps nobody; "1,204" is usual. */
		if (count > 0 && count % 3 == 0)
			buffer_append_str(out, language->forms->group);
	}
}

/* Two digits at least say how much it is: 3.1 GB, 31 GB. */
static void append_size(struct buffer *out, const struct language *language,
			uint64_t bytes)
{
	uint64_t unit = 1, tenths;
	unsigned int power = 0;

	/* What would be rounded to 1,024 is 1 of the next. */
	while (power < 4 && bytes / unit + (bytes % unit >= unit - unit / 2) >=
	       1024) {
		unit *= 1024;
		power++;
	}
	tenths = bytes / unit * 10 + (bytes % unit * 10 + unit / 2) / unit;
	if (power == 0)
		append_number(out, language, bytes);
	else if (tenths < 100) {
		append_number(out, language, tenths / 10);
		if (tenths % 10 != 0) {
			buffer_append_str(out, language->forms->decimal);
			buffer_append_char(out, '0' + (char)(tenths % 10));
		}
	} else
		append_number(out, language, (tenths + 5) / 10);
	buffer_append_str(out, language->forms->units[power]);
}

static void append_time(struct buffer *out, const struct language *language,
			uint64_t seconds, enum language_value_type type)
{
	const time_t when = (time_t)seconds;
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL)
		return;
	if (type != LANGUAGE_VALUE_TIME)
		language->forms->date(out, language, tm.tm_year + 1900,
				      tm.tm_mon, tm.tm_mday);
	if (type == LANGUAGE_VALUE_DATETIME)
		buffer_append_str(out, language->forms->date_to_time);
	if (type != LANGUAGE_VALUE_DATE) {
		buffer_printf(out, language->forms->is_hour_padded ? "%02d" :
			      "%d", tm.tm_hour);
		buffer_append_str(out, language->forms->hour_minute);
		buffer_printf(out, "%02d", tm.tm_min);
	}
}

static void append_duration(struct buffer *out, const struct language *language,
			    uint64_t seconds)
{
	static const struct {
		uint64_t seconds, until;
		enum message message;
	} units[] = {
		{ 1, 60, MSG_duration_seconds },
		{ 60, 60, MSG_duration_minutes },
		/* Two days are 48 hours. */
		{ 3600, 72, MSG_duration_hours },
		{ 86400, UINT64_MAX, MSG_duration_days },
	};

	for (unsigned int i = 0;; i++) {
		const uint64_t count = seconds / units[i].seconds +
			(seconds % units[i].seconds * 2 >= units[i].seconds &&
			 units[i].seconds > 1);

		if (count < units[i].until) {
			language_append(out, language, units[i].message,
					LANGUAGE_NUMBER("count", count));
			return;
		}
	}
}

void language_append_value(struct buffer *out, const struct language *language,
			   const struct language_value *value)
{
	switch (value->type) {
	case LANGUAGE_VALUE_TEXT:
	case LANGUAGE_VALUE_ADDRESS:
	case LANGUAGE_VALUE_LINK:
		if (value->text != NULL)
			buffer_append_str(out, value->text);
		return;
	case LANGUAGE_VALUE_NUMBER:
		append_number(out, language, value->number);
		return;
	case LANGUAGE_VALUE_SIZE:
		append_size(out, language, value->number);
		return;
	case LANGUAGE_VALUE_DATE:
	case LANGUAGE_VALUE_DATETIME:
	case LANGUAGE_VALUE_TIME:
		append_time(out, language, value->number, value->type);
		return;
	case LANGUAGE_VALUE_DURATION:
		append_duration(out, language, value->number);
		return;
	}
}
