/* Commands about accounts: arguments as the functions take them. */

#include "web-stores.h"
#include "bytes.h"
#include "password-reset.h"
#include "rate-limit.h"
#include "session.h"
#include "two-factor.h"

#include <string.h>

static int do_account(struct call *call)
{
	struct account *account;
	const char *hash;
	int ret;

	ret = account_find(call->db, call->arena, call->args[0], &account,
			   &hash, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %llu %s %s %d %d %d %s",
			(unsigned long long)account->id, account->language,
			account_role_name(account->role),
			(int)account->max_mailboxes, (int)account->max_aliases,
			account->two_factor, hash);
	return ret;
}

static int do_password(struct call *call)
{
	return account_set_password(call->db, call->arena, call_number(call, 0),
				    call->args[1], call->args[2], NULL,
				    &call->error);
}

static int do_upgrade(struct call *call)
{
	return account_upgrade_hash(call->db, call->arena, call_number(call, 0),
				    call->args[1], call->args[2], &call->error);
}

static int do_language(struct call *call)
{
	return account_set_language(call->db, call->arena, call_number(call, 0),
				    call->args[1], &call->error);
}

static enum session_stage stage_of(const char *name)
{
	return strcmp(name, "full") == 0 ? SESSION_STAGE_FULL :
		SESSION_STAGE_CODE;
}

static int do_session_create(struct call *call)
{
	const struct session_new new = {
		.account_id = call_number(call, 0),
		.stage = stage_of(call->args[1]),
		.lifetime_secs = call_number(call, 2),
		.user_agent = call->args[3], .client_address = call->args[4],
	};
	char token[TOKEN_SIZE];
	int ret;

	ret = session_create(call->db, call->arena, &new, token, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s", token);
	return ret;
}

static int do_session_load(struct call *call)
{
	struct session *session;
	struct account *account;
	int ret;

	ret = session_load(call->db, call->arena, call->args[0],
			   call_number(call, 1), &session, &account, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s %s %s %d %llu [%s] [%s]",
			account->email, account_role_name(account->role),
			session->stage == SESSION_STAGE_FULL ? "full" : "code",
			session->second_factor, (unsigned long long)
			(session->expires - session->now), session->user_agent,
			session->client_address);
	return ret;
}

static int do_session_renew(struct call *call)
{
	struct session *session;
	struct account *account;
	char token[TOKEN_SIZE];
	int ret;

	ret = session_load(call->db, call->arena, call->args[0], 3600, &session,
			   &account, &call->error);
	/* a third argument is an account whose password changes in between */
	if (ret > 0 && call->count > 3)
		ret = account_set_password(call->db, call->arena, account->id,
					   call->args[3], call->args[4], NULL,
					   &call->error);
	if (ret > 0)
		ret = session_renew(call->db, call->arena, session,
				    stage_of(call->args[1]), call_number(call, 2),
				    token, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s", token);
	return ret;
}

static int do_session_end(struct call *call)
{
	unsigned char hash[TOKEN_HASH_SIZE];

	if (!token_hash(call->args[1], hash))
		return 0;
	return session_end(call->db, call->arena, call_number(call, 0), hash,
			   &call->error);
}

static int do_session_end_others(struct call *call)
{
	unsigned char hash[TOKEN_HASH_SIZE];
	const bool keep = token_hash(call->args[1], hash);

	return session_end_others(call->db, call->arena, call_number(call, 0),
				  keep ? hash : NULL, &call->error);
}

static int do_session_list(struct call *call)
{
	struct session_list list;
	size_t i;
	int ret;

	ret = session_list(call->db, call->arena, call_number(call, 0), 3600, &list,
			   &call->error);
	for (i = 0; ret == 0 && i < list.count; i++)
		buffer_printf(&call->answer, " [%s]",
			      list.sessions[i]->user_agent);
	return ret;
}

static int do_two_factor(struct call *call)
{
	struct two_factor two_factor;
	char hex[2 * TOTP_SEALED_SIZE + 1];
	int ret;

	ret = two_factor_load(call->db, call->arena, call_number(call, 0),
			      &two_factor, &call->error);
	if (ret > 0) {
		bytes_to_hex(two_factor.sealed, TOTP_SEALED_SIZE, hex);
		buffer_printf(&call->answer, " %d %llu %u %.8s",
			two_factor.confirmed,
			(unsigned long long)two_factor.last_step,
			two_factor.codes_left, hex);
	}
	return ret;
}

static int do_two_factor_begin(struct call *call)
{
	unsigned char sealed[TOTP_SEALED_SIZE];

	memset(sealed, (int)call_number(call, 1), sizeof(sealed));
	return two_factor_begin(call->db, call->arena, call_number(call, 0), sealed,
				&call->error);
}

static void make_codes(uint64_t account_id, struct backup_code_hashes *codes_r)
{
	char code[BACKUP_CODE_SIZE] = "2222-2222-222a";
	unsigned int i;

	for (i = 0; i < BACKUP_CODE_COUNT; i++) {
		code[0] = (char)('a' + i);
		backup_code_hash(&call_secret_key, account_id, code,
				 codes_r->hashes[i]);
	}
}

static int do_two_factor_confirm(struct call *call)
{
	struct backup_code_hashes codes;
	unsigned char sealed[TOTP_SEALED_SIZE];

	make_codes(call_number(call, 0), &codes);
	memset(sealed, (int)call_number(call, 1), sizeof(sealed));
	return two_factor_confirm(call->db, call->arena, call_number(call, 0),
				  sealed, call_number(call, 2), &codes,
				  &call->error);
}

static int do_two_factor_disable(struct call *call)
{
	return two_factor_disable(call->db, call->arena, call_number(call, 0),
				  &call->error);
}

static int do_use_step(struct call *call)
{
	return two_factor_use_step(call->db, call->arena, call_number(call, 0),
				   call_number(call, 1), &call->error);
}

static int do_use_code(struct call *call)
{
	unsigned char hash[BACKUP_CODE_HASH_SIZE];
	char code[BACKUP_CODE_SIZE];

	if (!backup_code_parse(call->args[1], code))
		return 0;
	backup_code_hash(&call_secret_key, call_number(call, 0), code, hash);
	return two_factor_use_code(call->db, call->arena, call_number(call, 0), hash,
				   &call->error);
}

static int do_set_codes(struct call *call)
{
	struct backup_code_hashes codes;

	make_codes(call_number(call, 0), &codes);
	return two_factor_set_codes(call->db, call->arena, call_number(call, 0),
				    &codes, &call->error);
}

static int do_reset_request(struct call *call)
{
	return password_reset_request(call->db, call->arena, call->args[0],
				      &call->error);
}

static int do_reset_create(struct call *call)
{
	char token[TOKEN_SIZE];
	int ret;

	ret = password_reset_create(call->db, call->arena, call_number(call, 0),
				    call_number(call, 1), token, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s", token);
	return ret;
}

static int do_reset_find(struct call *call)
{
	const char *email;
	int ret;

	ret = password_reset_find(call->db, call->arena, call->args[0], &email,
				  &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s", email);
	return ret;
}

static int do_reset_use(struct call *call)
{
	return password_reset_use(call->db, call->arena, call->args[0],
				  call->args[1], &call->error);
}

static int do_limit(struct call *call)
{
	const struct rate_limit limit = {
		(unsigned int)call_number(call, 2), (unsigned int)call_number(call, 3),
	};
	unsigned int retry_secs = 0;
	int ret;

	ret = rate_limit_take(call->db, call->arena, &call_secret_key, call->args[0],
			      call->args[1], &limit, &retry_secs, &call->error);
	if (ret == 0)
		buffer_printf(&call->answer, " %u", retry_secs);
	return ret;
}

const struct command account_commands[] = {
	{ "account", 1, do_account },
	{ "password", 3, do_password },
	{ "upgrade", 3, do_upgrade },
	{ "language", 2, do_language },
	{ "session_create", 5, do_session_create },
	{ "session_load", 2, do_session_load },
	{ "session_renew", 3, do_session_renew },
	{ "session_end", 2, do_session_end },
	{ "session_end_others", 2, do_session_end_others },
	{ "session_list", 1, do_session_list },
	{ "two_factor", 1, do_two_factor },
	{ "two_factor_begin", 2, do_two_factor_begin },
	{ "two_factor_confirm", 3, do_two_factor_confirm },
	{ "two_factor_disable", 1, do_two_factor_disable },
	{ "use_step", 2, do_use_step },
	{ "use_code", 2, do_use_code },
	{ "set_codes", 1, do_set_codes },
	{ "reset_request", 1, do_reset_request },
	{ "reset_create", 2, do_reset_create },
	{ "reset_find", 1, do_reset_find },
	{ "reset_use", 2, do_reset_use },
	{ "limit", 4, do_limit },
	{ NULL, 0, NULL }
};
