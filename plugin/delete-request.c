#include "lib.h"
#include "path-util.h"
#include "str-sanitize.h"
#include "deletion-store.h"
#include "monotonic-time.h"
#include "pymailadmin-settings.h"
#include "request-proof.h"
#include "delete-request-private.h"

#include <unistd.h>

#define RETRY_SECS 60
/* The mailbox is in use. */
#define RETRY_BUSY_SECS 5

enum deletion_result
deletion_stop(struct deletion *deletion, enum deletion_result result,
	      const char *outcome, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	deletion->outcome = outcome;
	deletion->reason = t_strdup_vprintf(fmt, args);
	va_end(args);
	return result;
}

enum deletion_result deletion_database_failed(struct deletion *deletion,
					      const char *error)
{
	return deletion_stop(deletion, DELETION_STOP, "database", "%s", error);
}

enum deletion_result deletion_lost(struct deletion *deletion)
{
	return deletion_stop(deletion, DELETION_LATER, "lost",
			     "the request is no longer this process's");
}

enum deletion_result deletion_or_later(const struct deletion *deletion)
{
	return request_deletion_has_begun(deletion->row->state) ?
		DELETION_LATER : DELETION_FAIL;
}

static enum deletion_result verify(struct deletion *deletion)
{
	const char *outcome, *error;
	int ret;

	if (deletion->row->sealed != NULL) {
		ret = request_proof_password(deletion->ctx, deletion->row,
					     &outcome, &error);
	} else {
		ret = deletion_store_is_trusted(deletion->ctx->store,
						deletion->row, &error);
		outcome = "seal";
		if (ret == 0)
			error = "no password was sealed, and it was not a "
				"super admin who asked";
	}
	if (ret < 0)
		return deletion_database_failed(deletion, error);
	if (ret == 0)
		return deletion_stop(deletion, DELETION_FAIL, outcome, "%s",
				     error);
	ret = deletion_store_confirm(deletion->ctx->store, deletion->row,
				     &error);
	if (ret < 0)
		return deletion_database_failed(deletion, error);
	return ret == 0 ? deletion_lost(deletion) : DELETION_OK;
}

static enum password_change_result
finish(struct deletion *deletion, enum request_state state,
       enum password_change_result result)
{
	const char *error;
	int ret;

	ret = request_store_end(deletion->ctx->store, deletion->row, state,
				state == REQUEST_STATE_DONE ? "done" :
				deletion->outcome, deletion->reason, &error);
	if (ret > 0)
		return result;
	if (ret < 0)
		e_error(deletion->event, "%s", error);
	return PASSWORD_CHANGE_STOPPED;
}

static enum password_change_result
finish_run(struct deletion *deletion, enum deletion_result result)
{
	const char *error;

	switch (result) {
	case DELETION_OK:
		if (deletion->row->state == REQUEST_STATE_PENDING)
			return PASSWORD_CHANGE_WAITING;
		e_info(deletion->event, "mailbox deleted");
		return finish(deletion, REQUEST_STATE_DONE,
			      PASSWORD_CHANGE_DONE);
	case DELETION_FAIL:
		e_error(deletion->event, "mailbox not deleted: %s",
			deletion->reason);
		return finish(deletion, REQUEST_STATE_FAILED,
			      PASSWORD_CHANGE_FAILED);
	case DELETION_LATER:
		e_warning(deletion->event, "to be tried again: %s",
			  deletion->reason);
		if (request_store_release(deletion->ctx->store, deletion->row,
				deletion->outcome, deletion->reason,
				strcmp(deletion->outcome, "busy") == 0 ?
				RETRY_BUSY_SECS : RETRY_SECS, &error) < 0) {
			e_error(deletion->event, "%s", error);
			return PASSWORD_CHANGE_STOPPED;
		}
		return PASSWORD_CHANGE_LATER;
	case DELETION_STOP:
		e_error(deletion->event, "stopped: %s", deletion->reason);
		return PASSWORD_CHANGE_STOPPED;
	}
	i_unreached();
}

bool delete_request_is_due(const struct password_change_context *ctx,
			   const struct request_row *row)
{
	return row->state != REQUEST_STATE_PENDING ||
		!deletion_is_confirmed(row) ||
		row->now >= row->created + ctx->set->pymailadmin_deletion_grace;
}

enum password_change_result
delete_request_run(const struct password_change_context *ctx,
		   struct request_row *row)
{
	struct deletion deletion = {
		.ctx = ctx,
		.row = row,
		.event = event_create(ctx->event),
		.old_euid = geteuid(),
		.rekey_fd = -1,
		.renewed_msecs = monotonic_time_msecs(),
	};
	enum password_change_result ret;
	enum deletion_result result;
	const char *error;

	if (t_get_working_dir(&deletion.old_cwd, &error) < 0)
		deletion.old_cwd = "/";
	event_set_append_log_prefix(deletion.event, t_strdup_printf(
		"%s: request %s: ", str_sanitize(row->address, 254), row->id));
	if (row->state == REQUEST_STATE_CLAIMED && !deletion_is_confirmed(row))
		result = verify(&deletion);
	else
		result = deletion_destroy(&deletion);
	ret = finish_run(&deletion, result);
	i_free(deletion.home);
	event_unref(&deletion.event);
	return ret;
}
