#define _GNU_SOURCE /* vasprintf() */
#include "log.h"
#include "buffer.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VALUE_MAX 1000

static enum log_level log_max_level = LOG_LEVEL_INFO;
static bool log_to_journal;

/* sd-daemon(3) */
static const char *const level_prefixes[] = {
	[LOG_LEVEL_ERROR] = "<3>",
	[LOG_LEVEL_WARNING] = "<4>",
	[LOG_LEVEL_INFO] = "<6>",
	[LOG_LEVEL_DEBUG] = "<7>",
};
static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* systemd.exec(5): device and inode of the stream, so that a redirection of
   standard error is seen. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(here, sizeof(here), "%llu:%llu",
		       (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	return strcmp(stream, here) == 0;
}

void log_init(enum log_level max_level)
{
	log_max_level = max_level;
	log_to_journal = stderr_is_journal();
}

static bool value_needs_quotes(const char *value)
{
	return value[0] == '\0' ||
		strcspn(value, " =\"\\") < strlen(value);
}

static void append_escaped(struct buffer *line, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;
	const unsigned char *end = p + strnlen(value, VALUE_MAX);

	for (; p < end; p++) {
		if (*p == '"' || *p == '\\')
			buffer_append_char(line, '\\');
		if (*p < 0x20 || *p == 0x7f)
			buffer_printf(line, "\\x%02x", *p);
		else
			buffer_append_char(line, (char)*p);
	}
	if (*end != '\0')
		buffer_append_str(line, "...");
}

static void append_pair(struct buffer *line, const char *key,
			const char *value)
{
	const bool quotes = value_needs_quotes(value);

	buffer_printf(line, " %s=", key);
	if (quotes)
		buffer_append_char(line, '"');
	append_escaped(line, value);
	if (quotes)
		buffer_append_char(line, '"');
}

static void begin_line(struct buffer *line, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	if (log_to_journal) {
		buffer_append_str(line, level_prefixes[level]);
		return;
	}
	if (clock_gettime(CLOCK_REALTIME, &now) < 0 ||
	    gmtime_r(&now.tv_sec, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		text[0] = '\0';
	buffer_printf(line, "time=%s.%03ldZ level=%s ", text,
		      now.tv_nsec / 1000000, level_names[level]);
}

/* In one write(), so that lines of threads do not mix. */
static void write_line(struct buffer *line)
{
	ssize_t ret;

	buffer_append_char(line, '\n');
	ret = write(STDERR_FILENO, line->data, line->size);
	/* there is nobody to tell */
	(void)ret;
	buffer_free(line);
}

void log_event(enum log_level level, const char *event, ...)
{
	struct buffer line = BUFFER_INIT;
	const char *key, *value;
	va_list args;

	if (level > log_max_level)
		return;
	begin_line(&line, level);
	buffer_printf(&line, "event=%s", event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL) {
		value = va_arg(args, const char *);
		if (value != NULL)
			append_pair(&line, key, value);
	}
	va_end(args);
	write_line(&line);
}

static void ATTR_FORMAT(3, 0)
log_text(enum log_level level, const char *request_id, const char *format,
	 va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	log_event(level, level_names[level], "text", text, "request",
		  request_id, NULL);
	free(text);
}

void log_error(const char *request_id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_text(LOG_LEVEL_ERROR, request_id, format, args);
	va_end(args);
}

void log_warning(const char *request_id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_text(LOG_LEVEL_WARNING, request_id, format, args);
	va_end(args);
}

void log_info(const char *request_id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_text(LOG_LEVEL_INFO, request_id, format, args);
	va_end(args);
}
