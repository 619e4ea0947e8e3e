#include "lib.h"
#include "password-change.h"
#include "password-hash.h"
#include "request-store.h"
#include "sealed-request.h"
#include "request-proof.h"

static int verify(const struct password_change_context *ctx,
		  const struct request_row *row,
		  const struct seal_secrets *secrets,
		  const char **outcome_r, const char **error_r)
{
	const char *hash;
	int ret;

	ret = request_store_get_hash(ctx->store, row->address, &hash, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		*outcome_r = "unknown_mailbox";
		*error_r = "there is no such mailbox";
		return 0;
	}
	ret = password_hash_verify(hash, row->address, secrets->old_password,
				   error_r);
	*outcome_r = ret < 0 ? "old_hash" : "wrong_password";
	return ret > 0 ? 1 : 0;
}

int request_proof_password(const struct password_change_context *ctx,
			   const struct request_row *row,
			   const char **outcome_r, const char **error_r)
{
	const struct seal_binding binding = {
		.kind = row->kind,
		.address = row->address,
		.request_id = row->id,
		.created = row->created,
	};
	struct seal_secrets *secrets = i_new(struct seal_secrets, 1);
	int ret = 0;

	*outcome_r = "seal";
	*error_r = ctx->seal_error;
	if (ctx->seal_key != NULL &&
	    sealed_request_open(ctx->seal_key, &binding, row->sealed,
				row->sealed_size, secrets, error_r) == 0)
		ret = verify(ctx, row, secrets, outcome_r, error_r);
	seal_secrets_wipe(secrets);
	i_free(secrets);
	return ret;
}
