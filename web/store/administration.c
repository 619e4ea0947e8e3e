#include "administration.h"
#include "arena.h"
#include "db.h"
#include "procedure.h"

#include <string.h>

static int call(struct db *db, struct arena *arena, const char *sql,
		const struct db_value *params, unsigned int count,
		enum administration_result *result_r, const char **error_r)
{
	static const struct {
		const char *name;
		enum administration_result result;
	} results[] = {
		{ "done", ADMINISTRATION_DONE },
		{ "not_found", ADMINISTRATION_NOT_FOUND },
		{ "self", ADMINISTRATION_SELF },
		{ "unchanged", ADMINISTRATION_UNCHANGED },
		{ "stale", ADMINISTRATION_STALE },
		{ "malformed", ADMINISTRATION_MALFORMED },
		{ "domains", ADMINISTRATION_DOMAINS },
		{ "taken", ADMINISTRATION_TAKEN },
		{ "used", ADMINISTRATION_USED },
		{ "unsupported", ADMINISTRATION_UNSUPPORTED },
		{ "busy", ADMINISTRATION_BUSY },
		{ "account", ADMINISTRATION_ACCOUNT },
		{ "waiting", ADMINISTRATION_WAITING },
	};
	const char *name;
	unsigned int i;

	if (procedure_call(db, arena, sql, params, count, &name, error_r) < 0)
		return -1;
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (strcmp(name, results[i].name) == 0) {
			*result_r = results[i].result;
			return 0;
		}
	}
	*error_r = arena_printf(arena, "%s failed: it answered %s", sql, name);
	return -1;
}

static struct db_value limit_value(unsigned int limit)
{
	return limit == ACCOUNT_LIMIT_DEFAULT ? DB_NULL : DB_UINT(limit);
}

int administration_add_account(struct db *db, struct arena *arena,
			       uint64_t actor_id,
			       const struct administration_account *account,
			       enum administration_result *result_r,
			       const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), db_text(account->email),
		db_text(account_role_name(account->role)),
		db_text(account->language), db_text(account->domains),
		limit_value(account->max_mailboxes),
		limit_value(account->max_aliases),
	};

	return call(db, arena, "CALL pymailadmin_account_add(?,?,?,?,?,?,?)",
		    params, 7, result_r, error_r);
}

int administration_delete_account(struct db *db, struct arena *arena,
				  uint64_t actor_id, uint64_t id,
				  enum administration_result *result_r,
				  const char **error_r)
{
	const struct db_value params[] = { DB_UINT(actor_id), DB_UINT(id) };

	return call(db, arena, "CALL pymailadmin_account_delete(?,?)", params,
		    2, result_r, error_r);
}

int administration_set_role(struct db *db, struct arena *arena,
			    uint64_t actor_id, uint64_t id,
			    enum account_role role, enum account_role was,
			    enum administration_result *result_r,
			    const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), DB_UINT(id),
		db_text(account_role_name(role)),
		db_text(account_role_name(was)),
	};

	return call(db, arena, "CALL pymailadmin_account_set_role(?,?,?,?)",
		    params, 4, result_r, error_r);
}

int administration_set_active(struct db *db, struct arena *arena,
			      uint64_t actor_id, uint64_t id, bool active,
			      enum administration_result *result_r,
			      const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), DB_UINT(id), DB_UINT(active ? 1 : 0),
	};

	return call(db, arena, "CALL pymailadmin_account_set_active(?,?,?)",
		    params, 3, result_r, error_r);
}

int administration_set_limits(struct db *db, struct arena *arena,
			      uint64_t actor_id, uint64_t id,
			      unsigned int max_mailboxes,
			      unsigned int max_aliases,
			      enum administration_result *result_r,
			      const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), DB_UINT(id), limit_value(max_mailboxes),
		limit_value(max_aliases),
	};

	return call(db, arena, "CALL pymailadmin_account_set_limits(?,?,?,?)",
		    params, 4, result_r, error_r);
}

int administration_log_out(struct db *db, struct arena *arena,
			   uint64_t actor_id, uint64_t id, bool factor,
			   enum administration_result *result_r,
			   const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), DB_UINT(id), DB_UINT(factor ? 1 : 0),
	};

	return call(db, arena, "CALL pymailadmin_account_log_out(?,?,?)",
		    params, 3, result_r, error_r);
}

int administration_set_domains(struct db *db, struct arena *arena,
			       uint64_t actor_id, uint64_t id,
			       const char *domains, bool take,
			       enum administration_result *result_r,
			       const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), DB_UINT(id), db_text(domains),
		DB_UINT(take ? 1 : 0),
	};

	return call(db, arena, "CALL pymailadmin_account_set_domains(?,?,?,?)",
		    params, 4, result_r, error_r);
}

int administration_add_domain(struct db *db, struct arena *arena,
			      uint64_t actor_id, const char *name,
			      enum administration_result *result_r,
			      const char **error_r)
{
	const struct db_value params[] = { DB_UINT(actor_id), db_text(name) };

	return call(db, arena, "CALL pymailadmin_domain_add(?,?)", params, 2,
		    result_r, error_r);
}

int administration_remove_domain(struct db *db, struct arena *arena,
				 uint64_t actor_id, const char *name,
				 enum administration_result *result_r,
				 const char **error_r)
{
	const struct db_value params[] = { DB_UINT(actor_id), db_text(name) };

	return call(db, arena, "CALL pymailadmin_domain_remove(?,?)", params,
		    2, result_r, error_r);
}

int administration_give_mailbox(struct db *db, struct arena *arena,
				uint64_t actor_id, const char *address,
				const char *email, const char *was,
				enum administration_result *result_r,
				const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), db_text(address), db_text(email),
		db_text(was),
	};

	return call(db, arena, "CALL pymailadmin_mailbox_give(?,?,?,?)",
		    params, 4, result_r, error_r);
}

int administration_free_address(struct db *db, struct arena *arena,
				uint64_t actor_id, const char *address,
				enum administration_result *result_r,
				const char **error_r)
{
	const struct db_value params[] = {
		DB_UINT(actor_id), db_text(address),
	};

	return call(db, arena, "CALL pymailadmin_address_free(?,?)", params,
		    2, result_r, error_r);
}
