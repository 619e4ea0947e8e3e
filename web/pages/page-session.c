#define _GNU_SOURCE /* explicit_bzero() */
#include "page-session.h"
#include "arena.h"
#include "page.h"
#include "settings.h"
#include "site-cookie.h"

#include <string.h>

static void set_cookie(struct page *page, char token[TOKEN_SIZE])
{
	site_cookie_set(page, SITE_COOKIE_SESSION, token, 0);
	explicit_bzero(token, TOKEN_SIZE);
}

int page_session_create(struct page *page, uint64_t account_id,
			enum session_stage stage, const char **error_r)
{
	const struct session_new new = {
		.account_id = account_id,
		.stage = stage,
		.lifetime_secs = page->set->session_lifetime_secs,
		.user_agent = page->request->user_agent,
		.client_address = page->request->client_address,
	};
	char token[TOKEN_SIZE];
	int ret;

	if (page->session != NULL &&
	    session_end(page->db, page->arena, page->session->account_id,
			page->session->id_hash, error_r) < 0)
		return -1;
	ret = session_create(page->db, page->arena, &new, token, error_r);
	if (ret > 0)
		set_cookie(page, token);
	return ret;
}

static int renew(struct page *page, uint64_t lifetime_secs,
		 const char **error_r)
{
	struct session *session = arena_memdup(page->arena, page->session,
					       sizeof(*session));
	char token[TOKEN_SIZE];
	int ret;

	ret = session_renew(page->db, page->arena, session, SESSION_STAGE_FULL,
			    lifetime_secs, token, error_r);
	if (ret > 0) {
		set_cookie(page, token);
		page->session = session;
	}
	return ret;
}

int page_session_complete(struct page *page, const char **error_r)
{
	return renew(page, page->set->session_lifetime_secs, error_r);
}

int page_session_renew(struct page *page, const char **error_r)
{
	if (session_end_others(page->db, page->arena,
			       page->session->account_id,
			       page->session->id_hash, error_r) < 0)
		return -1;
	return renew(page, 0, error_r);
}

int page_session_end(struct page *page, const char **error_r)
{
	if (page->session != NULL &&
	    session_end(page->db, page->arena, page->session->account_id,
			page->session->id_hash, error_r) < 0)
		return -1;
	site_cookie_clear(page, SITE_COOKIE_SESSION);
	return 0;
}
