#include "password-rules.h"

#include <string.h>
#include <zxcvbn.h>

#define WORDS_MAX 16
#define WORD_SIZE 65
/* Shorter ones are found in too much. */
#define WORD_MIN 3

struct words {
	char words[WORDS_MAX][WORD_SIZE];
	const char *list[WORDS_MAX + 1];
	unsigned int count;
};

/* Returns the bytes of the character, 0 if it is none (RFC 3629). */
static unsigned int char_size(const unsigned char *p)
{
	unsigned int size, i;
	unsigned char min = 0x80, max = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		min = 0xa0;
	else if (p[0] == 0xed)
		max = 0x9f;
	else if (p[0] == 0xf0)
		min = 0x90;
	else if (p[0] == 0xf4)
		max = 0x8f;
	if (p[1] < min || p[1] > max)
		return 0;
	for (i = 2; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return size;
}

bool password_rules_count_chars(const char *text, unsigned int *chars_r)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int chars = 0, size;

	for (; *p != '\0'; p += size, chars++) {
		size = char_size(p);
		if (size == 0)
			return false;
	}
	*chars_r = chars;
	return true;
}

/* C0, DEL and C1. */
static bool has_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f ||
		    (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return true;
	}
	return false;
}

static void add_word(struct words *words, const char *text, size_t size)
{
	char *word;
	size_t i;

	if (size < WORD_MIN || size >= WORD_SIZE || words->count >= WORDS_MAX)
		return;
	word = words->words[words->count];
	for (i = 0; i < size; i++)
		word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ?
				 text[i] - 'A' + 'a' : text[i]);
	word[size] = '\0';
	words->list[words->count++] = word;
}

/* The whole, and what is between separators. */
static void add_words(struct words *words, const char *text)
{
	static const char separators[] = "@.-_+ ";
	size_t size;

	if (text == NULL)
		return;
	add_word(words, text, strlen(text));
	add_word(words, text, strcspn(text, "@"));
	while (*text != '\0') {
		size = strcspn(text, separators);
		add_word(words, text, size);
		text += size;
		text += strspn(text, separators);
	}
}

/* Guesses of zxcvbn's scores: below 10^3, 10^6, 10^8, 10^10. */
static unsigned int score_of(double bits)
{
	return bits < 9.97 ? 0 : bits < 19.93 ? 1 : bits < 26.58 ? 2 :
		bits < 33.22 ? 3 : 4;
}

static enum password_weakness weakness_of_type(int type)
{
	switch (type & ~MULTIPLE_MATCH) {
	case DICTIONARY_MATCH:
	case DICT_LEET_MATCH:
		return PASSWORD_WEAKNESS_WORD;
	case USER_MATCH:
	case USER_LEET_MATCH:
		return PASSWORD_WEAKNESS_USER_WORD;
	case REPEATS_MATCH:
		return PASSWORD_WEAKNESS_REPEAT;
	case SEQUENCE_MATCH:
		return PASSWORD_WEAKNESS_SEQUENCE;
	case SPATIAL_MATCH:
		return PASSWORD_WEAKNESS_KEYBOARD;
	case DATE_MATCH:
	case YEAR_MATCH:
		return PASSWORD_WEAKNESS_DATE;
	default:
		return PASSWORD_WEAKNESS_SHORT;
	}
}

/* That of the longest part that is no mere sequence of odd characters. */
static enum password_weakness find_weakness(const ZxcMatch_t *match)
{
	enum password_weakness weakness = PASSWORD_WEAKNESS_SHORT, each;
	int longest = 0;

	for (; match != NULL; match = match->Next) {
		each = weakness_of_type((int)match->Type);
		if (each != PASSWORD_WEAKNESS_SHORT &&
		    match->Length > longest) {
			longest = match->Length;
			weakness = each;
		}
	}
	return weakness;
}

static void measure(const char *password, const char *address,
		    const char *product_name,
		    struct password_strength *strength_r)
{
	struct words words = { .count = 0 };
	ZxcMatch_t *matches = NULL;

	add_words(&words, address);
	add_words(&words, product_name);
	words.list[words.count] = NULL;
	strength_r->score = score_of(ZxcvbnMatch(password, words.list,
						 &matches));
	strength_r->weakness = strength_r->score == 4 ?
		PASSWORD_WEAKNESS_NONE : find_weakness(matches);
	ZxcvbnFreeInfo(matches);
}

enum password_fault
password_rules_check(const struct password_rules *rules, const char *password,
		     const char *address, const char *product_name,
		     struct password_strength *strength_r)
{
	struct password_strength strength;
	unsigned int chars = 0;

	if (!password_rules_count_chars(password, &chars))
		return PASSWORD_NOT_UTF8;
	if (has_control(password))
		return PASSWORD_CONTROL_CHARACTER;
	if (chars < rules->min_chars)
		return PASSWORD_TOO_SHORT;
	if (chars > PASSWORD_CHARS_MAX)
		return PASSWORD_TOO_LONG;
	if (strlen(password) > rules->max_bytes)
		return PASSWORD_TOO_MANY_BYTES;
	measure(password, address, product_name, &strength);
	if (strength_r != NULL)
		*strength_r = strength;
	return strength.score < rules->min_score ? PASSWORD_TOO_WEAK :
		PASSWORD_OK;
}
