#include "routes.h"
#include "page-account-password.h"
#include "page-account.h"
#include "page-accounts.h"
#include "page-administration.h"
#include "page-alias.h"
#include "page-backup-codes.h"
#include "page-domain.h"
#include "page-domains.h"
#include "page-events.h"
#include "page-forgotten.h"
#include "page-home.h"
#include "page-invitations.h"
#include "page-language.h"
#include "page-login-code.h"
#include "page-login.h"
#include "page-logout.h"
#include "page-mailbox.h"
#include "page-moderation.h"
#include "page-register.h"
#include "page-requests.h"
#include "page-reserved.h"
#include "page-reset.h"
#include "page-root.h"
#include "page-sessions.h"
#include "page-static.h"
#include "page-two-factor.h"
#include "page-window.h"

#include <string.h>

#define GET (HTTP_METHOD_GET | HTTP_METHOD_HEAD)
#define POST HTTP_METHOD_POST
/* Of small forms. */
#define FORM (8 * 1024)
/* Of forms with a text, each byte of which takes three, or many names. */
#define LONG_FORM (32 * 1024)

const struct route routes[] = {
	{ "/", GET, ROUTE_ROLE_ANYONE, 0, page_root, false, false },
	{ "/account", GET, ROUTE_ROLE_USER, 0, page_account, false, false },
	{ "/account/backup-codes", POST, ROUTE_ROLE_USER, FORM,
	  page_backup_codes, false, false },
	{ "/account/password", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_account_password, false, false },
	{ "/account/sessions", GET, ROUTE_ROLE_USER, 0, page_sessions,
	  false, false },
	{ "/account/sessions/end", POST, ROUTE_ROLE_USER, FORM,
	  page_sessions_end, false, false },
	{ "/account/two-factor", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_two_factor, false, false },
	{ "/accounts", GET, ROUTE_ROLE_SUPER_ADMIN, 0,
	  page_accounts, false, false },
	{ "/accounts/account", GET, ROUTE_ROLE_SUPER_ADMIN, 0,
	  page_accounts_account, false, false },
	{ "/accounts/active", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_active, false, false },
	{ "/accounts/add", GET | POST, ROUTE_ROLE_SUPER_ADMIN, LONG_FORM,
	  page_accounts_add, false, false },
	{ "/accounts/delete", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_delete, false, false },
	{ "/accounts/domains", GET | POST, ROUTE_ROLE_SUPER_ADMIN, LONG_FORM,
	  page_accounts_domains, false, false },
	{ "/accounts/domains/take", POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_domains_take, false, false },
	{ "/accounts/limits", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_limits, false, false },
	{ "/accounts/log-out", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_log_out, false, false },
	{ "/accounts/role", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_role, false, false },
	{ "/accounts/two-factor", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_accounts_two_factor, false, false },
	{ "/administration", GET, ROUTE_ROLE_SUPER_ADMIN, 0,
	  page_administration, false, false },
	{ "/alias/add", GET | POST, ROUTE_ROLE_USER, FORM, page_alias_add,
	  false, false },
	{ "/alias/delete", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_alias_delete, false, false },
	{ "/alias/rename", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_alias_rename, false, false },
	{ "/domain", GET, ROUTE_ROLE_USER, 0, page_domain, false, false },
	{ "/domains", GET, ROUTE_ROLE_SUPER_ADMIN, 0,
	  page_domains, false, false },
	{ "/domains/add", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_domains_add, false, false },
	{ "/domains/remove", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_domains_remove, false, false },
	{ "/events", GET, ROUTE_ROLE_SUPER_ADMIN, 0, page_events,
	  false, false },
	{ "/home", GET, ROUTE_ROLE_USER, 0, page_home, false, false },
	{ "/language", POST, ROUTE_ROLE_ANYONE, FORM, page_language,
	  false, false },
	{ "/login", GET | POST, ROUTE_ROLE_ANYONE, FORM, page_login,
	  false, false },
	{ "/login/code", GET | POST, ROUTE_ROLE_ANYONE, FORM, page_login_code,
	  false, false },
	{ "/logout", POST, ROUTE_ROLE_USER, FORM, page_logout, false, false },
	{ "/mailbox", GET, ROUTE_ROLE_USER, 0, page_mailbox, false, false },
	{ "/mailbox/cancel", POST, ROUTE_ROLE_USER, FORM,
	  page_mailbox_cancel, false, false },
	{ "/mailbox/create", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_mailbox_create, false, false },
	{ "/mailbox/delete", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_mailbox_delete, false, false },
	{ "/mailbox/delete/cancel", POST, ROUTE_ROLE_USER, FORM,
	  page_mailbox_delete_cancel, false, false },
	{ "/mailbox/owner", GET | POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_mailbox_owner, false, false },
	{ "/mailbox/password", GET | POST, ROUTE_ROLE_USER, FORM,
	  page_mailbox_password, false, false },
	{ "/mailbox/progress", GET, ROUTE_ROLE_USER, 0,
	  page_window_progress, false, false },
	{ "/mailbox/window", GET, ROUTE_ROLE_USER, 0, page_window,
	  false, false },
	{ "/moderation", GET, ROUTE_ROLE_ADMIN, 0, page_moderation,
	  false, false },
	{ "/moderation/accept", POST, ROUTE_ROLE_ADMIN, LONG_FORM,
	  page_moderation_accept, false, false },
	{ "/moderation/answer", GET, ROUTE_ROLE_ADMIN, 0,
	  page_moderation_answer, false, false },
	{ "/moderation/decline", POST, ROUTE_ROLE_ADMIN, LONG_FORM,
	  page_moderation_decline, false, false },
	{ "/moderation/invitations", GET | POST, ROUTE_ROLE_ADMIN, LONG_FORM,
	  page_invitations, false, false },
	{ "/moderation/invitations/end", POST, ROUTE_ROLE_ADMIN, FORM,
	  page_invitations_end, false, false },
	{ "/password/forgotten", GET | POST, ROUTE_ROLE_ANYONE, FORM,
	  page_forgotten, false, false },
	{ "/password/reset", GET | POST, ROUTE_ROLE_ANYONE, FORM, page_reset,
	  false, false },
	{ "/register", GET | POST, ROUTE_ROLE_ANYONE, LONG_FORM, page_register,
	  false, false },
	{ "/register/confirm", GET | POST, ROUTE_ROLE_ANYONE, FORM,
	  page_register_confirm, false, false },
	{ "/requests", GET, ROUTE_ROLE_SUPER_ADMIN, 0, page_requests,
	  false, false },
	{ "/requests/cancel", POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_requests_cancel, false, false },
	{ "/requests/retry", POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_requests_retry, false, false },
	{ "/reserved-addresses", GET, ROUTE_ROLE_SUPER_ADMIN, 0,
	  page_reserved, false, false },
	{ "/reserved-addresses/free", POST, ROUTE_ROLE_SUPER_ADMIN, FORM,
	  page_reserved_free, false, false },
	{ "/static/", GET, ROUTE_ROLE_ANYONE, 0, page_static, false, true },
};

const unsigned int routes_count = sizeof(routes) / sizeof(routes[0]);

static bool matches(const struct route *route, const char *path)
{
	const size_t len = strlen(route->path);

	if (len > 1 && route->path[len - 1] == '/')
		return strncmp(path, route->path, len) == 0;
	return strcmp(path, route->path) == 0;
}

const struct route *routes_find(const char *path)
{
	unsigned int i;

	for (i = 0; i < routes_count; i++) {
		if (matches(&routes[i], path))
			return &routes[i];
	}
	return NULL;
}

const char *route_allow(const struct route *route)
{
	if ((route->methods & GET) == 0)
		return "POST";
	return (route->methods & POST) == 0 ? "GET, HEAD" : "GET, HEAD, POST";
}
