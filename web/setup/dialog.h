#ifndef DIALOG_H
#define DIALOG_H

/* Questions and answers on standard input and output: a person at a terminal,
   or a program that writes one answer a line. A person is asked again after a
   wrong answer; for a program it is the end, because the next line answers
   another question. One thread. */

#include "language.h"

#include <stdbool.h>

struct arena;

enum dialog_end {
	DIALOG_GOES_ON,
	/* Nobody answers any more. */
	DIALOG_CLOSED,
	/* A signal came. */
	DIALOG_INTERRUPTED,
	/* A wrong answer, and nobody to ask again. */
	DIALOG_WRONG
};

struct dialog {
	struct arena *arena;
	const struct language *language;
	bool is_terminal;
	enum dialog_end end;
};

/* Returns NULL, or why the answer will not do, in words for a person. */
typedef const char *dialog_check_t(void *context, const char *answer);

/* From now on signals end the question that is waited at, not the program. */
void dialog_init(struct dialog *dialog, struct arena *arena);

/* A message, on lines of its own; for a person they are not too long. */
#define dialog_say(dialog, message, ...) \
	dialog_say_text(dialog, language_text((dialog)->arena, \
					      (dialog)->language, message \
					      __VA_OPT__(,) __VA_ARGS__))
void dialog_say_text(struct dialog *dialog, const char *text);
/* As it is, and a line feed. */
void dialog_print(const char *text);

/* Answers are in the arena; NULL: it has ended, dialog->end says how. An empty
   answer is the default, unless that is NULL. check may be NULL. */
const char *dialog_ask(struct dialog *dialog, const char *question,
		       const char *value, dialog_check_t *check,
		       void *context);
/* What is typed is not shown. */
const char *dialog_ask_secret(struct dialog *dialog, const char *question,
			      dialog_check_t *check, void *context);
/* Wipes it as soon as it is not needed any more. */
void dialog_forget(const char *secret);
/* *answer_r is set; returns false if it has ended. */
bool dialog_ask_yes(struct dialog *dialog, const char *question, bool value,
		    bool *answer_r);
/* Waits for a person to press Enter, for a while. Returns true if it came, or
   the dialogue has ended. */
bool dialog_wait_enter(struct dialog *dialog, unsigned int msecs);

#endif
