#include "page-account.h"
#include "account.h"
#include "page-frame.h"
#include "session.h"
#include "settings.h"
#include "two-factor.h"
#include "views-account.h"

static int load(struct page *page, struct view_account *v, const char **error_r)
{
	const struct account *account = page->account;
	struct account_dates dates = { .password_changed = 0 };
	struct session_list sessions;
	struct two_factor two_factor;
	int ret;

	if (account_get_dates(page->db, page->arena, account->id, &dates,
			      error_r) < 0 ||
	    session_list(page->db, page->arena, account->id,
			 page->set->session_idle_secs, &sessions, error_r) < 0)
		return -1;
	ret = two_factor_load(page->db, page->arena, account->id, &two_factor,
			      error_r);
	if (ret < 0)
		return -1;
	v->backup_codes_left = ret > 0 ? two_factor.codes_left : 0;
	v->sessions = (unsigned int)sessions.count;
	v->password_changed = dates.password_changed;
	return 0;
}

enum page_result page_account(struct page *page)
{
	const struct account *account = page->account;
	struct view_account v = {
		.email = account->email,
		.has_two_factor = account->two_factor,
		.is_two_factor_required = (page->set->two_factor_required &
					   (1U << account->role)) != 0,
	};
	const char *error;

	switch (account->role) {
	case ACCOUNT_ROLE_SUPER_ADMIN:
		v.role = VIEW_ROLE_SUPER_ADMIN;
		break;
	case ACCOUNT_ROLE_ADMIN:
		v.role = VIEW_ROLE_ADMIN;
		break;
	default:
		v.role = VIEW_ROLE_USER;
		break;
	}
	if (load(page, &v, &error) < 0)
		return page_failed(page, error);
	return page_show(page, view_account, NULL, &v);
}
