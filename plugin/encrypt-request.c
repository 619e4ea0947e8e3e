#include "lib.h"
#include "str-sanitize.h"
#include "password-hash.h"
#include "request-store.h"
#include "sealed-request.h"
#include "encrypt-request.h"

/* Returns 1 if the password is the mailbox's, 0 if not, -1 if the database
   failed. */
static int encrypt_request_prove(const struct password_change_context *ctx,
				 const struct request_row *row,
				 const char **error_r)
{
	const struct seal_binding binding = {
		.kind = row->kind,
		.address = row->address,
		.request_id = row->id,
		.created = row->created,
	};
	struct seal_secrets *secrets = i_new(struct seal_secrets, 1);
	const char *hash;
	int ret;

	*error_r = ctx->seal_error;
	if (ctx->seal_key == NULL ||
	    sealed_request_open(ctx->seal_key, &binding, row->sealed,
				row->sealed_size, secrets, error_r) < 0)
		ret = 0;
	else {
		ret = request_store_get_hash(ctx->store, row->address, &hash,
					     error_r);
		if (ret == 0)
			*error_r = "there is no such mailbox";
		else if (ret > 0 &&
			 password_hash_verify(hash, row->address,
					      secrets->old_password,
					      error_r) <= 0)
			ret = 0;
	}
	seal_secrets_wipe(secrets);
	i_free(secrets);
	return ret;
}

enum password_change_result
encrypt_request_run(const struct password_change_context *ctx,
		    struct request_row *row)
{
	const char *error, *end_error;
	int ret;

	if (row->state == REQUEST_STATE_STORING)
		return PASSWORD_CHANGE_STORING;
	ret = encrypt_request_prove(ctx, row, &error);
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
