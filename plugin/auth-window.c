#include "lib.h"
#include "str.h"
#include "time-util.h"
#include "var-expand.h"
#include "request-state.h"
#include "auth-window.h"

#include <time.h>

#define OPEN_NOTE_SECS 5

static const struct {
	const char *protocol, *code;
} reason_codes[] = {
	{ "imap", "[UNAVAILABLE] " },
	{ "pop3", "[SYS/TEMP] " },
};

static int
parse_time(const char *name, const char *value, uint64_t *time_r,
	   const char **error_r)
{
	int64_t secs;

	if (value == NULL || str_to_int64(value, &secs) < 0) {
		*error_r = t_strdup_printf("%s is not a time: %s", name,
					   value == NULL ? "NULL" : value);
		return -1;
	}
	/* before 1970 is as long over as 1970 */
	*time_r = secs < 0 ? 0 : (uint64_t)secs;
	return 0;
}

int auth_window_check(const struct auth_window_row *row,
		      unsigned int window_secs, time_t now, time_t *opens_r,
		      bool *deleted_r, const char **error_r)
{
	struct request_window window;
	uint64_t opens;

	*deleted_r = FALSE;
	if (!request_kind_parse(row->kind, &window.kind)) {
		*error_r = t_strdup_printf("unknown kind: %s",
			row->kind == NULL ? "NULL" : row->kind);
		return -1;
	}
	if (row->state == NULL ||
	    !request_state_parse(row->state, &window.state)) {
		*error_r = t_strdup_printf("unknown state: %s",
			row->state == NULL ? "NULL" : row->state);
		return -1;
	}
	if (window.kind == REQUEST_KIND_DELETE) {
		*deleted_r = request_deletion_has_begun(window.state);
		*opens_r = 0;
		return *deleted_r ? 1 : 0;
	}
	if (parse_time("created_at", row->created, &window.created,
		       error_r) < 0 ||
	    parse_time("now", row->now, &window.now, error_r) < 0)
		return -1;
	window.until = 0;
	if (window.kind == REQUEST_KIND_CLOSE && row->until != NULL &&
	    parse_time("retry_at", row->until, &window.until, error_r) < 0)
		return -1;
	if (!request_keeps_closed(&window, window_secs, &opens))
		return 0;
	*opens_r = opens == 0 ? 0 : now + (time_t)(opens - window.now);
	return 1;
}

const char *auth_window_opens_text(time_t opens, time_t now)
{
	struct tm tm, today;

	if (opens == 0)
		return "";
	/* "by 14:05" would not be true at 14:05:30 */
	opens += 59;
	if (localtime_r(&opens, &tm) == NULL ||
	    localtime_r(&now, &today) == NULL)
		return "";
	return t_strftime(tm.tm_year == today.tm_year &&
			  tm.tm_yday == today.tm_yday ?
			  "%H:%M %Z" : "%Y-%m-%d %H:%M %Z", &tm);
}

int auth_window_expand(const char *text, const char *opens,
		       const char **text_r, const char **error_r)
{
	const struct var_expand_table table[] = {
		{ .key = "opens", .value = opens },
		VAR_EXPAND_TABLE_END
	};
	const struct var_expand_params params = { .table = table };

	return t_var_expand(text, &params, text_r, error_r);
}

static const char *reason_code(const char *protocol)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(reason_codes); i++) {
		if (strcmp(protocol, reason_codes[i].protocol) == 0)
			return reason_codes[i].code;
	}
	return "";
}

bool auth_window_reason_has_code(const char *protocol)
{
	return reason_code(protocol)[0] != '\0';
}

const char *auth_window_reason(const char *protocol, const char *text)
{
	string_t *str = t_str_new(128);

	str_append(str, reason_code(protocol));
	for (; *text != '\0'; text++) {
		/* a line break would end the reply and begin another */
		str_append_c(str, (unsigned char)*text < 0x20 ||
			     *text == 0x7f ? ' ' : *text);
	}
	return str_c(str);
}

const char *auth_window_open_note(const char *user, time_t now)
{
	return t_strdup_printf("%lld %s", (long long)now, user);
}

bool auth_window_open_note_holds(const char *note, const char *user,
				 time_t now)
{
	const char *noted_user;
	int64_t noted;

	/* The user may have become another one since, by a passdb or as the
	   one a master user logs in to. */
	if (str_parse_int64(note, &noted, &noted_user) < 0 ||
	    noted_user[0] != ' ' || strcmp(noted_user + 1, user) != 0)
		return FALSE;
	return now >= noted && now - noted <= OPEN_NOTE_SECS;
}
