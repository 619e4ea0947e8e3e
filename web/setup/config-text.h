#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

/* The text of web.conf, with single values replaced and all else left as it is.
   Pure; results are in the arena. */

struct arena;

/* The value a text has for a key, NULL if it has none. */
const char *config_text_get(struct arena *arena, const char *text,
			    const char *key);
/* Sets a key: in its line, in place of the one that is commented out, or at
   the end. NULL comments it out. */
const char *config_text_set(struct arena *arena, const char *text,
			    const char *key, const char *value);

#endif
