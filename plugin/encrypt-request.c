#include "lib.h"
#include "str-sanitize.h"
#include "request-proof.h"
#include "request-store.h"
#include "encrypt-request.h"

enum password_change_result
encrypt_request_run(const struct password_change_context *ctx,
		    struct request_row *row)
{
	const char *outcome, *error, *end_error;
	int ret;

	if (row->state == REQUEST_STATE_STORING)
		return PASSWORD_CHANGE_STORING;
	ret = request_proof_password(ctx, row, &outcome, &error);
	if (ret > 0)
		ret = request_store_advance(ctx->store, row,
					    REQUEST_STATE_STORING, 0, &error);
	if (ret > 0)
		return PASSWORD_CHANGE_STORING;
	e_error(ctx->event, "%s: request %s: stored mail is left as it is: %s",
		str_sanitize(row->address, 254), row->id, error);
	if (ret < 0 ||
	    request_store_end(ctx->store, row, REQUEST_STATE_FAILED,
			      "wrong_password", error, &end_error) <= 0)
		return PASSWORD_CHANGE_STOPPED;
	return PASSWORD_CHANGE_FAILED;
}
