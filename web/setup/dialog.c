#define _GNU_SOURCE /* explicit_bzero() */
#include "dialog.h"
#include "arena.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX 1024
#define COLUMNS 78

static volatile sig_atomic_t signaled;

static void catch_signal(int number)
{
	signaled = number;
}

void dialog_init(struct dialog *dialog, struct arena *arena)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	/* without SA_RESTART: read() is to return */
	struct sigaction action = { .sa_handler = catch_signal };
	unsigned int i;

	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &action, NULL);
	dialog->arena = arena;
	dialog->is_terminal = isatty(STDIN_FILENO) != 0;
	dialog->end = DIALOG_GOES_ON;
}

void dialog_print(const char *text)
{
	(void)fputs(text, stdout);
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

/* Bytes of a word, and how many columns they take. */
static size_t word_size(const char *text, size_t *columns_r)
{
	const size_t size = strcspn(text, " ");
	size_t i;

	*columns_r = 0;
	for (i = 0; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			++*columns_r;
	}
	return size;
}

void dialog_say_text(struct dialog *dialog, const char *text)
{
	size_t size, columns, column = 0;

	if (!dialog->is_terminal) {
		dialog_print(text);
		return;
	}
	while (*text != '\0') {
		size = word_size(text, &columns);
		if (column > 0) {
			column = column + 1 + columns > COLUMNS ? 0 :
				column + 1;
			(void)fputc(column > 0 ? ' ' : '\n', stdout);
		}
		(void)fwrite(text, 1, size, stdout);
		column += columns;
		text += size;
		text += strspn(text, " ");
	}
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

/* A line without its end, a byte at a time: stdio would keep passwords, and
   what is behind the line is not ours to take. Returns false at the end. */
static bool read_line(struct dialog *dialog, char line[ANSWER_MAX + 1],
		      bool *fits_r)
{
	size_t size = 0;
	ssize_t ret;
	char c = '\0';

	*fits_r = true;
	while (signaled == 0 && (ret = read(STDIN_FILENO, &c, 1)) != 0) {
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			break;
		if (c == '\n') {
			line[size] = '\0';
			return true;
		}
		if (size < ANSWER_MAX)
			line[size++] = c;
		else
			*fits_r = false;
	}
	explicit_bzero(line, size);
	dialog->end = signaled != 0 ? DIALOG_INTERRUPTED : DIALOG_CLOSED;
	return false;
}

/* Before the question: what is typed ahead is not shown either. Returns false
   if there is nothing to be shown on. */
static bool hide_input(const struct dialog *dialog, struct termios *shown_r)
{
	struct termios hidden;

	if (!dialog->is_terminal || tcgetattr(STDIN_FILENO, shown_r) < 0)
		return false;
	hidden = *shown_r;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
}

static bool read_answer(struct dialog *dialog, const char *question,
			const char *value, bool hide,
			char line[ANSWER_MAX + 1], bool *fits_r)
{
	struct termios shown;
	bool hidden, ret;

	hidden = hide && hide_input(dialog, &shown);
	(void)fputs(question, stdout);
	if (value != NULL && value[0] != '\0')
		(void)printf(" [%s]", value);
	(void)fputs(" > ", stdout);
	(void)fflush(stdout);
	ret = read_line(dialog, line, fits_r);
	if (hidden)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &shown);
	/* where the answer has not ended the line on the screen */
	if (!ret || hidden || !dialog->is_terminal)
		(void)fputc('\n', stdout);
	return ret;
}

static const char *check_answer(struct dialog *dialog, const char *answer,
				bool fits, dialog_check_t *check,
				void *context)
{
	if (!fits)
		return language_text(dialog->arena, dialog->language,
				     MSG_setup_wrong_long);
	if (!text_is_line(answer, strlen(answer)))
		return language_text(dialog->arena, dialog->language,
				     MSG_setup_wrong_text);
	if (check != NULL)
		return check(context, answer);
	if (answer[0] == '\0')
		return language_text(dialog->arena, dialog->language,
				     MSG_setup_wrong_empty);
	return NULL;
}

static const char *ask(struct dialog *dialog, const char *question,
		       const char *value, bool hide, dialog_check_t *check,
		       void *context)
{
	char line[ANSWER_MAX + 1];
	const char *answer, *reason;
	bool fits;

	while (dialog->end == DIALOG_GOES_ON &&
	       read_answer(dialog, question, value, hide, line, &fits)) {
		answer = line[0] == '\0' && value != NULL ? value :
			arena_strdup(dialog->arena, line);
		explicit_bzero(line, sizeof(line));
		reason = check_answer(dialog, answer, fits, check, context);
		if (reason == NULL)
			return answer;
		dialog_say(dialog, MSG_setup_wrong,
			   LANGUAGE_TEXT("reason", reason));
		if (!dialog->is_terminal)
			dialog->end = DIALOG_WRONG;
	}
	return NULL;
}

const char *dialog_ask(struct dialog *dialog, const char *question,
		       const char *value, dialog_check_t *check, void *context)
{
	return ask(dialog, question, value, false, check, context);
}

const char *dialog_ask_secret(struct dialog *dialog, const char *question,
			      dialog_check_t *check, void *context)
{
	return ask(dialog, question, NULL, true, check, context);
}

void dialog_forget(const char *secret)
{
	/* the arena's, and nobody else's */
	explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
}

/* The first letter of "yes" and "no", in English or the language. */
static const char *check_yes(void *context, const char *answer)
{
	struct dialog *dialog = context;
	const char *yes = language_text(dialog->arena, dialog->language,
					MSG_setup_yes);

	if (answer[0] != '\0' && (strcasecmp(answer, yes) == 0 ||
	    strncasecmp(answer, yes, 1) == 0 || strchr("yYnN", answer[0])))
		return NULL;
	return language_text(dialog->arena, dialog->language,
			     MSG_setup_wrong_yes);
}

bool dialog_ask_yes(struct dialog *dialog, const char *question, bool value,
		    bool *answer_r)
{
	const char *default_answer = language_text(dialog->arena,
		dialog->language, value ? MSG_setup_yes : MSG_setup_no);
	const char *answer = ask(dialog, question, default_answer, false,
				 check_yes, dialog);

	if (answer == NULL)
		return false;
	*answer_r = answer[0] != 'n' && answer[0] != 'N';
	return true;
}

bool dialog_wait_enter(struct dialog *dialog, unsigned int msecs)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[ANSWER_MAX + 1];
	bool fits;

	if (dialog->end != DIALOG_GOES_ON)
		return true;
	if (poll(&fd, 1, (int)msecs) > 0)
		(void)read_line(dialog, line, &fits);
	else if (signaled != 0)
		dialog->end = DIALOG_INTERRUPTED;
	else
		return false;
	return true;
}
