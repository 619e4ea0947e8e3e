#define _GNU_SOURCE /* explicit_bzero() */
#include "settings.h"
#include "arena.h"
#include "settings-table.h"
#include "settings-types.h"
#include "text.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_MAX 128
#define ERRORS_MAX 50

struct memory {
	/* First. */
	struct settings set;
	struct arena *arena;
};

struct reader {
	struct arena *arena;
	struct settings *set;
	FILE *file;
	const char *path;
	unsigned int line;
	/* The line is longer than what was read of it. */
	bool line_is_cut, line_goes_on;
	/* By the order of the table: what the file says, and where. */
	const char *values[KEYS_MAX];
	unsigned int lines[KEYS_MAX];
	unsigned int errors;
	void (*error)(void *context, const char *text);
	void *context;
};

static void complain(struct reader *reader, unsigned int line,
		     const char *key, const char *reason)
{
	const char *where = line == 0 ? "" :
		arena_printf(reader->arena, ":%u", line);

	if (reader->errors++ < ERRORS_MAX)
		reader->error(reader->context,
			      arena_printf(reader->arena,
					   "settings(%s%s): %s%s%s",
					   reader->path, where,
					   key == NULL ? "" : key,
					   key == NULL ? "" : ": ", reason));
}

static void complain_check(void *context, const char *key, const char *reason)
{
	struct reader *reader = context;
	const struct settings_def *def = settings_table_find(key);

	complain(reader, reader->lines[def - settings_table], key, reason);
}

/* Given a line by this, libinih cannot say which, nor that it was too long. */
static char *read_line(char *text, int size, void *context)
{
	struct reader *reader = context;
	const bool was_cut = reader->line_is_cut;
	size_t len;

	if (fgets(text, size, reader->file) == NULL)
		return NULL;
	len = strlen(text);
	reader->line_is_cut = len > 0 && text[len - 1] != '\n' &&
		!feof(reader->file);
	if (was_cut) {
		/* Its rest means nothing. */
		text[0] = '\0';
		return text;
	}
	reader->line++;
	reader->line_goes_on = text[0] == ' ' || text[0] == '\t';
	if (reader->line_is_cut)
		complain(reader, reader->line, NULL, "the line is too long");
	else if (text[0] == '[')
		complain(reader, reader->line, NULL,
			 "there are no sections in this file");
	else
		return text;
	text[0] = '\0';
	return text;
}

/* A value that goes on is handed over line by line. */
static const char *join(struct reader *reader, unsigned int i,
			const char *value)
{
	if (reader->values[i] == NULL)
		return arena_strdup(reader->arena, value);
	return arena_printf(reader->arena, "%s %s", reader->values[i], value);
}

/* libinih wants 0 for an error, and stops nowhere. */
static int found_pair(void *context, const char *section, const char *key,
		      const char *value)
{
	struct reader *reader = context;
	const struct settings_def *def = settings_table_find(key);
	const unsigned int i = def == NULL ? 0 :
		(unsigned int)(def - settings_table);
	const char *reason = NULL;

	(void)section;
	if (def == NULL)
		reason = "there is no such setting";
	else if (reader->line_goes_on && !def->list)
		reason = "its value cannot go on in the next line";
	else if (!reader->line_goes_on && reader->lines[i] != 0)
		reason = arena_printf(reader->arena, "is in line %u already",
				      reader->lines[i]);
	else if (!text_is_line(value, strlen(value)))
		reason = "not UTF-8 without control characters";
	if (reason != NULL) {
		complain(reader, reader->line,
			 text_is_line(key, strlen(key)) ? key : "?", reason);
		return 1;
	}
	reader->values[i] = join(reader, i, value);
	if (reader->lines[i] == 0)
		reader->lines[i] = reader->line;
	return 1;
}

static void apply(struct reader *reader)
{
	const struct settings_def *def;
	const char *value, *reason;
	unsigned int i;

	for (i = 0; i < settings_table_count; i++) {
		def = &settings_table[i];
		value = reader->values[i];
		if (value == NULL)
			value = def->value;
		reason = value == NULL ? "is not set" :
			def->parse(def, reader->arena, value, reader->set);
		if (reason != NULL)
			complain(reader, reader->lines[i], def->key, reason);
	}
}

/* A password in the file itself asks for the mode that a file of its own would
   have. */
static void check_password(struct reader *reader)
{
	const unsigned int key = (unsigned int)(
		settings_table_find("database_password") - settings_table);
	const unsigned int file = (unsigned int)(
		settings_table_find("database_password_file") -
		settings_table);
	struct stat st;

	if (reader->values[key] == NULL)
		return;
	if (reader->values[file] != NULL)
		complain(reader, reader->lines[key], "database_password",
			 "goes not together with database_password_file");
	if (fstat(fileno(reader->file), &st) < 0 ||
	    (st.st_mode & (S_IWGRP | S_IRWXO)) != 0)
		complain(reader, reader->lines[key], "database_password",
			 "others than its owner and group may read or write "
			 "this file: use database_password_file, or mode 0640");
}

static void read_file(struct reader *reader)
{
	int ret;

	reader->file = fopen(settings_file_path(reader->arena, reader->path),
			     "re");
	if (reader->file == NULL) {
		complain(reader, 0, NULL, strerror(errno));
		return;
	}
	ret = ini_parse_stream(read_line, reader, found_pair, reader);
	if (ret > 0)
		complain(reader, (unsigned int)ret, NULL,
			 "not a line of the form \"key = value\"");
	else if (ret < 0 || ferror(reader->file))
		complain(reader, 0, NULL, "cannot be read");
	apply(reader);
	check_password(reader);
	if (reader->errors == 0)
		settings_table_check(reader->set, complain_check, reader);
	(void)fclose(reader->file);
}

struct settings *settings_read(const char *path,
			       void (*error)(void *context, const char *text),
			       void *context)
{
	struct arena *arena = arena_create();
	struct memory *memory = arena_new(arena, struct memory, 1);
	struct reader reader = {
		.arena = arena, .set = &memory->set, .path = path,
		.error = error, .context = context
	};
	struct settings *set = &memory->set;
	long cores;

	_Static_assert(offsetof(struct memory, set) == 0, "see the cast below");
	memory->arena = arena;
	read_file(&reader);
	if (set->hash_threads == 0) {
		cores = sysconf(_SC_NPROCESSORS_ONLN);
		set->hash_threads = cores >= 4 ? (unsigned int)cores / 2 : 1;
	}
	if (reader.errors > 0)
		settings_free(&set);
	return set;
}

void settings_free(struct settings **_set)
{
	struct arena *arena;

	if (*_set == NULL)
		return;
	arena = ((struct memory *)*_set)->arena;
	*_set = NULL;
	/* Wipes it all, the settings themselves too. */
	arena_free(&arena);
}
