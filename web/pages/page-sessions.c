#include "page-sessions.h"
#include "account.h"
#include "arena.h"
#include "browser-name.h"
#include "bytes.h"
#include "log.h"
#include "page-device.h"
#include "page-frame.h"
#include "page-notice.h"
#include "session.h"
#include "settings.h"
#include "views-account.h"

#include <string.h>

#define ID_SIZE (2 * TOKEN_HASH_SIZE + 1)

static void fill_row(struct page *page, const struct session *session,
		     struct view_session *row)
{
	char *id = arena_alloc(page->arena, ID_SIZE);

	bytes_to_hex(session->id_hash, sizeof(session->id_hash), id);
	row->id = id;
	row->begun = session->created;
	row->seen = session->seen;
	row->browser = browser_name(page->arena, session->user_agent);
	if (session->client_address[0] != '\0')
		row->address = session->client_address;
	row->is_this = memcmp(session->id_hash, page->session->id_hash,
			      sizeof(session->id_hash)) == 0;
}

enum page_result page_sessions(struct page *page)
{
	struct view_account_sessions v = {
		.idle_secs = page->set->session_idle_secs,
		.lifetime_secs = page->set->session_lifetime_secs,
	};
	struct session_list list;
	struct view_session *rows;
	const char *error;
	size_t i;

	if (session_list(page->db, page->arena, page->account->id,
			 page->set->session_idle_secs, &list, &error) < 0)
		return page_failed(page, error);
	rows = arena_new(page->arena, struct view_session, list.count + 1);
	for (i = 0; i < list.count; i++)
		fill_row(page, list.sessions[i], &rows[i]);
	v.sessions = rows;
	v.sessions_count = (unsigned int)list.count;
	return page_show(page, view_account_sessions, NULL, &v);
}

enum page_result page_sessions_end(struct page *page)
{
	const uint64_t account_id = page->account->id;
	unsigned char id_hash[TOKEN_HASH_SIZE];
	const char *id = page_field(page, "id"), *error;
	int ret;

	if (strcmp(page_field(page, "all"), "1") == 0)
		ret = page_device_forget_others(page, &error) < 0 ? -1 :
			session_end_others(page->db, page->arena, account_id,
					   page->session->id_hash, &error);
	else if (bytes_from_hex(id, id_hash, sizeof(id_hash)))
		ret = session_end(page->db, page->arena, account_id, id_hash,
				  &error);
	else
		return page_error(page, 400);
	if (ret < 0)
		return page_failed(page, error);
	log_event(LOG_LEVEL_INFO, "sessions-ended",
		  "account", page->account->email,
		  "client", page->request->client_address,
		  "request", page->request->id, NULL);
	page_notice_set(page, PAGE_NOTICE_SESSIONS_ENDED, NULL, NULL);
	return page_redirect(page, "/account/sessions");
}
