#ifndef LOG_H
#define LOG_H

/* The log: one line an event on standard error, in logfmt, for people and for
   programs:

     <6>event=login account="alice@example.org" request=4f1c...

   with the journal's priority in front if standard error is the journal, else
   the time. A value is quoted where it needs to be, control characters and
   quotes in it are escaped, and it is cut at a length: no client makes a second
   line. Never pass a secret. Any thread. */

#include "attributes.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Nothing above the level is written. */
void log_init(enum log_level max_level);

/* Pairs of key and value follow the event, and NULL ends them; a pair whose
   value is NULL is left out. */
void log_event(enum log_level level, const char *event, ...)
	ATTR_SENTINEL;

/* One error for the administrator: "action(object) failed: reason". The request
   may be NULL. */
void log_error(const char *request_id, const char *format, ...)
	ATTR_FORMAT(2, 3);
void log_warning(const char *request_id, const char *format, ...)
	ATTR_FORMAT(2, 3);
void log_info(const char *request_id, const char *format, ...)
	ATTR_FORMAT(2, 3);

#endif
