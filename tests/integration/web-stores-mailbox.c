/* Commands about mailboxes and what is asked for them. */

#include "web-stores.h"
#include "alias.h"
#include "domain.h"
#include "event.h"
#include "heartbeat.h"
#include "housekeeping.h"
#include "mailbox-request.h"
#include "mailbox.h"
#include "outbox.h"

static int do_domains(struct call *call)
{
	const struct account *account = call_account(call, 0);
	struct domain_list list;
	size_t i;
	int ret;

	ret = domain_list(call->db, call->arena, account, call->args[1],
			  call->args[2], 100, &list, &call->error);
	for (i = 0; ret == 0 && i < list.count; i++)
		buffer_printf(&call->answer, " %s=%llu", list.domains[i].name,
			(unsigned long long)list.domains[i].mailboxes);
	return ret;
}

static int do_domain(struct call *call)
{
	struct domain domain;
	int ret;

	ret = domain_find(call->db, call->arena, call_account(call, 0),
			  call->args[1], &domain, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s=%llu", domain.name,
			      (unsigned long long)domain.mailboxes);
	return ret;
}

static void print_mailbox(struct call *call, const struct mailbox *mailbox)
{
	buffer_printf(&call->answer, " %s%s%s quota=%llu aliases=%llu owner=%s%s",
		mailbox->address, mailbox->exists ? "" : " reserved",
		mailbox->active ? "" : " inactive",
		(unsigned long long)mailbox->quota_bytes,
		(unsigned long long)mailbox->aliases,
		mailbox->owner == NULL ? "-" : mailbox->owner,
		mailbox->is_own ? " own" : "");
	if (mailbox->has_request)
		buffer_printf(&call->answer, " %s-%s",
			request_kind_name(mailbox->request_kind),
			request_state_name(mailbox->request_state));
	buffer_append_char(&call->answer, ';');
}

static int print_list(struct call *call, int ret,
		      const struct mailbox_list *list, bool more)
{
	size_t i;

	for (i = 0; ret == 0 && i < list->count; i++)
		print_mailbox(call, &list->mailboxes[i]);
	if (ret == 0 && more)
		buffer_append_str(&call->answer, " more");
	return ret;
}

static int do_own(struct call *call)
{
	struct mailbox_list list;

	return print_list(call, mailbox_list_own(call->db, call->arena,
		call_account(call, 0), &list, &call->error), &list, false);
}

static int do_page(struct call *call)
{
	const struct account *account = call_account(call, 0);
	const struct mailbox_query query = {
		.domain = call->args[1], .search = call_optional(call, 2),
		.sort = mailbox_sort_parse(call->args[3]),
		.after = call_optional(call, 4),
	};
	struct mailbox_list list;
	bool more = false;
	int ret;

	ret = mailbox_list_domain(call->db, call->arena, account, &query, &list,
				  &more, &call->error);
	return print_list(call, ret, &list, more);
}

static int do_search(struct call *call)
{
	const struct account *account = call_account(call, 0);
	struct mailbox_list list;
	bool more = false;
	int ret;

	ret = mailbox_search(call->db, call->arena, account, call->args[1],
			     &list, &more, &call->error);
	return print_list(call, ret, &list, more);
}

static int do_mailbox(struct call *call)
{
	struct mailbox *mailbox;
	int ret;

	ret = mailbox_find(call->db, call->arena, call_account(call, 0),
			   call->args[1], &mailbox, &call->error);
	if (ret > 0)
		print_mailbox(call, mailbox);
	return ret;
}

static int do_hash(struct call *call)
{
	const char *hash;
	int ret;

	ret = mailbox_get_hash(call->db, call->arena, call_account(call, 0),
			       call->args[1], &hash, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s", hash);
	return ret;
}

static int do_count(struct call *call)
{
	uint64_t count = 0;
	int ret;

	ret = mailbox_count(call->db, call->arena, call_number(call, 0), &count,
			    &call->error);
	buffer_printf(&call->answer, " %llu", (unsigned long long)count);
	return ret;
}

static const char *const alias_results[] = {
	[ALIAS_DONE] = "done", [ALIAS_NOT_FOUND] = "not-found",
	[ALIAS_TAKEN] = "taken", [ALIAS_LIMIT] = "limit",
	[ALIAS_MALFORMED] = "malformed", [ALIAS_BUSY] = "busy",
	[ALIAS_UNCHANGED] = "unchanged",
};

static int print_alias_result(struct call *call, int ret,
			      enum alias_result result)
{
	if (ret > 0)
		buffer_printf(&call->answer, " %s", alias_results[result]);
	return ret;
}

static int do_aliases(struct call *call)
{
	struct alias_list list;
	size_t i;
	int ret;

	ret = alias_list(call->db, call->arena, call->args[0], &list,
			 &call->error);
	for (i = 0; ret == 0 && i < list.count; i++)
		buffer_printf(&call->answer, " %s=%s", list.aliases[i].id,
			      list.aliases[i].source);
	return ret;
}

static int do_alias(struct call *call)
{
	struct alias alias;
	int ret;

	ret = alias_find(call->db, call->arena, call->args[0], call->args[1],
			 &alias, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s", alias.source);
	return ret;
}

static int do_alias_add(struct call *call)
{
	enum alias_result result;
	int ret;

	ret = alias_add(call->db, call->arena, call_account(call, 0),
			call->args[1], call->args[2],
			(unsigned int)call_number(call, 3), &result, &call->error);
	return print_alias_result(call, ret, result);
}

static int do_alias_rename(struct call *call)
{
	enum alias_result result;
	int ret;

	ret = alias_rename(call->db, call->arena, call_account(call, 0),
			   call->args[1], call->args[2], call->args[3],
			   &result, &call->error);
	return print_alias_result(call, ret, result);
}

static int do_alias_delete(struct call *call)
{
	enum alias_result result;
	int ret;

	ret = alias_delete(call->db, call->arena, call_account(call, 0),
			   call->args[1], call->args[2], &result, &call->error);
	return print_alias_result(call, ret, result);
}

/* file: account, kind, address, old, new, hash, quota, limit */
static int do_file(struct call *call)
{
	static const char *const results[] = {
		[MAILBOX_REQUEST_FILED] = "filed",
		[MAILBOX_REQUEST_NOT_FOUND] = "not-found",
		[MAILBOX_REQUEST_BUSY] = "busy",
		[MAILBOX_REQUEST_TAKEN] = "taken",
		[MAILBOX_REQUEST_LIMIT] = "limit",
		[MAILBOX_REQUEST_MALFORMED] = "malformed",
	};
	struct mailbox_request_new new = {
		.address = call->args[2], .old_password = call_optional(call, 3),
		.new_password = call_optional(call, 4),
		.new_hash = call_optional(call, 5), .quota_bytes = call_number(call, 6),
		.max_mailboxes = (unsigned int)call_number(call, 7),
	};
	enum mailbox_request_result result;
	const char *id = "";
	int ret;

	if (!request_kind_parse(call->args[1], &new.kind))
		return -1;
	ret = mailbox_request_file(call->db, call->arena, &call_seal_key,
				   call_account(call, 0), &new, &result, &id,
				   &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s %s", results[result], id);
	return ret;
}

static int do_request(struct call *call)
{
	struct mailbox_request *request;
	int ret;

	ret = mailbox_request_find(call->db, call->arena, call_account(call, 0),
				   call->args[1], WINDOW_SECS, &request,
				   &call->error);
	if (ret > 0)
		buffer_printf(&call->answer,
			" %s %s%s%s %llu mails=%llu/%llu [%s]",
			request_kind_name(request->kind),
			request_state_name(request->state),
			request->can_cancel ? " can-cancel" : "",
			request->window_closed ? " closed" : "",
			(unsigned long long)(request->window_opens == 0 ? 0 :
			request->window_opens - request->created),
			(unsigned long long)request->mails_done,
			(unsigned long long)request->mails_total,
			request->outcome);
	return ret;
}

static int do_cancel(struct call *call)
{
	return mailbox_request_cancel(call->db, call->arena,
				      call_account(call, 0), call->args[1],
				      &call->error);
}

static int do_event(struct call *call)
{
	const struct event event = {
		.actor = call->args[0], .address = call_optional(call, 1),
		.kind = call->args[2], .text = call->args[3],
		.hidden = call_number(call, 4) != 0,
	};

	return event_add(call->db, call->arena, &event, &call->error);
}

static int print_events(struct call *call, int ret,
			const struct event_list *list)
{
	size_t i;

	for (i = 0; ret == 0 && i < list->count; i++)
		buffer_printf(&call->answer, " %s:%s:%s", list->events[i].actor,
			      list->events[i].kind, list->events[i].text);
	return ret;
}

static int do_events(struct call *call)
{
	struct event_list list;

	return print_events(call, event_list(call->db, call->arena,
		call_account(call, 0), call->args[1], 20, &list, &call->error),
		&list);
}

static int do_outbox_take(struct call *call)
{
	struct outbox_mail mail;
	int ret;

	ret = outbox_take(call->db, call->arena, 60, &mail, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %llu %s %s %s %s",
			(unsigned long long)mail.id, mail.recipient,
			mail.language, mail.template,
			mail.address == NULL ? "-" : mail.address);
	return ret;
}

static int do_outbox_sent(struct call *call)
{
	return outbox_sent(call->db, call->arena, call_number(call, 0),
			   &call->error);
}

static int do_outbox_failed(struct call *call)
{
	return outbox_failed(call->db, call->arena, call_number(call, 0),
			     (unsigned int)call_number(call, 1), &call->error);
}

static int do_outbox_count(struct call *call)
{
	uint64_t count = 0;
	int ret;

	ret = outbox_count(call->db, call->arena, &count, &call->error);
	buffer_printf(&call->answer, " %llu", (unsigned long long)count);
	return ret;
}

static int do_heartbeat(struct call *call)
{
	struct heartbeat heartbeat;
	int ret;

	ret = heartbeat_find(call->db, call->arena, &call_seal_key, NULL,
			     &heartbeat, &call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %s %llu %d", heartbeat.host,
			(unsigned long long)heartbeat.age_secs,
			heartbeat.opens_seals);
	return ret;
}

static int do_housekeeping(struct call *call)
{
	uint64_t rows = 0;
	int ret;

	ret = housekeeping_run(call->db, call->arena, call_number(call, 0), &rows,
			       &call->error);
	buffer_printf(&call->answer, " %llu", (unsigned long long)rows);
	return ret;
}

static int do_schema(struct call *call)
{
	return schema_check(call->db, call->arena, &call->error) > 0 ? 0 : -1;
}

const struct command mailbox_commands[] = {
	{ "domains", 3, do_domains },
	{ "domain", 2, do_domain },
	{ "own", 1, do_own },
	{ "page", 5, do_page },
	{ "search", 2, do_search },
	{ "mailbox", 2, do_mailbox },
	{ "hash", 2, do_hash },
	{ "count", 1, do_count },
	{ "aliases", 1, do_aliases },
	{ "alias", 2, do_alias },
	{ "alias_add", 4, do_alias_add },
	{ "alias_rename", 4, do_alias_rename },
	{ "alias_delete", 3, do_alias_delete },
	{ "file", 8, do_file },
	{ "request", 2, do_request },
	{ "cancel", 2, do_cancel },
	{ "event", 5, do_event },
	{ "events", 2, do_events },
	{ "outbox_take", 0, do_outbox_take },
	{ "outbox_sent", 1, do_outbox_sent },
	{ "outbox_failed", 2, do_outbox_failed },
	{ "outbox_count", 0, do_outbox_count },
	{ "heartbeat", 0, do_heartbeat },
	{ "housekeeping", 1, do_housekeeping },
	{ "schema", 0, do_schema },
	{ NULL, 0, NULL }
};
