#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H

/* The table of all settings: what they are called, what they may be, and what
   they are if the file does not say. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct settings;
struct settings_def;

typedef const char *settings_parse_t(const struct settings_def *def,
				     struct arena *arena, const char *value,
				     struct settings *set);

struct settings_def {
	const char *key;
	/* Returns NULL, or why the value is wrong. */
	settings_parse_t *parse;
	/* Of the field in struct settings. */
	size_t offset;
	/* NULL if the file must have it. */
	const char *value;
	uint64_t min, max;
	/* Names of an enum's values, in its order, NULL at the end. */
	const char *const *names;
	/* It may go on in lines that begin with white space. */
	bool list;
};

extern const struct settings_def settings_table[];
extern const unsigned int settings_table_count;

/* NULL if there is none of this name. */
const struct settings_def *settings_table_find(const char *key);

/* Whether all values fit together: calls error() with the key that does not and
   why, for each. */
void settings_table_check(const struct settings *set,
			  void (*error)(void *context, const char *key,
					const char *reason),
			  void *context);

#endif
