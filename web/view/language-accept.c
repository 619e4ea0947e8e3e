#include "language-private.h"

#include <string.h>
#include <strings.h>

#define SPACE " \t"
/* Weights are in thousandths. */
#define WEIGHT_MAX 1000

/* ";q=0.5" at *text, which goes to the end of the range's entry. Returns the
   weight, -1 if it is malformed. */
static int parse_weight(const char *text, const char *end)
{
	int weight, scale = 100;

	text += strspn(text, SPACE);
	if (text >= end)
		return WEIGHT_MAX;
	if (*text++ != ';')
		return -1;
	text += strspn(text, SPACE);
	if (end - text < 3 || (*text != 'q' && *text != 'Q') || text[1] != '=' ||
	    (text[2] != '0' && text[2] != '1'))
		return -1;
	weight = (text[2] - '0') * WEIGHT_MAX;
	text += 3;
	if (text < end && *text == '.') {
		for (text++; text < end && *text >= '0' && *text <= '9'; text++) {
			weight += (*text - '0') * scale;
			scale /= 10;
		}
	}
	text += strspn(text, SPACE);
	return text < end || weight > WEIGHT_MAX ? -1 : weight;
}

/* A range fits a language if it is its code, with or without a region. */
static bool range_fits(const char *range, size_t size, const char *code)
{
	const size_t code_size = strlen(code);

	return size >= code_size && strncasecmp(range, code, code_size) == 0 &&
		(size == code_size || range[code_size] == '-');
}

const struct language *language_from_accept(const char *header)
{
	const struct language *best = NULL;
	int best_weight = 0;

	while (header != NULL) {
		const char *range = header + strspn(header, SPACE ",");
		const char *end = range + strcspn(range, ",");
		const size_t size = strcspn(range, SPACE ";,");
		const int weight = parse_weight(range + size, end);
		const bool any = size == 1 && *range == '*';

		for (unsigned int i = 0; i < languages_count; i++) {
			if (weight > best_weight &&
			    (any || range_fits(range, size, languages[i].code))) {
				best = &languages[i];
				best_weight = weight;
				break;
			}
		}
		header = *end == '\0' ? NULL : end + 1;
	}
	return best;
}
