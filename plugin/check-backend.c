#include "lib.h"
#include "hostpid.h"
#include "request-backend.h"
#include "sql-check.h"
#include "check.h"

#include <sysexits.h>

#define MAPPING "pymailadmin_mailbox_backend of your views' file"

/* Of more than were looked at, others may be. */
static void check_none_is_ours(struct check *check, const char *name,
			       const char *backend, const char *others)
{
	const char *error;
	int more = sql_check_has_more_mailboxes(check->store, &error);
	const char *text = t_strdup_printf("no mailbox is said to be on this "
		"host, %s, but some on %s: set pymailadmin_backend, or mend "
		MAPPING, backend[0] == '\0' ? "which has no "
		"pymailadmin_backend" : t_strdup_printf("whose "
		"pymailadmin_backend is %s", backend), others);

	if (more == 0)
		check_error(check, name, EX_CONFIG, "%s", text);
	else if (more > 0)
		check_warning(check, name, "of the first "
			SQL_CHECK_MAILBOXES_MAX" %s, if that is so for all",
			text);
}

static void check_own(struct check *check)
{
	const char *backend = request_store_get_backend(check->store);
	const char *name = "backend", *others, *error;
	int ours, elsewhere;

	/* if it fails, the tables' or the rights' line says why */
	ours = sql_check_mailboxes(check->store, TRUE, &others, &error);
	elsewhere = ours < 0 ? -1 :
		sql_check_mailboxes(check->store, FALSE, &others, &error);
	if (ours == 0 && elsewhere > 0) {
		check_none_is_ours(check, name, backend, others);
	} else if (backend[0] != '\0') {
		check_ok(check, name, "this host takes the mailboxes of which "
			 MAPPING" says %s", backend);
	} else if (elsewhere > 0) {
		check_ok(check, name, "this host takes the mailboxes of which "
			 MAPPING" says nothing; there are others on %s",
			 others);
	} else {
		check_ok(check, name, "this host takes all mailboxes");
	}
}

/* Whose requests nobody takes; whose seals are opened by another key. */
static void check_others(struct check *check)
{
	const char *hosts, *error;
	int ret;

	ret = sql_check_lost_requests(check->store, &hosts, &error);
	if (ret > 0) {
		check_warning(check, "other backends", "there are requests for %s, of "
			"which no host has looked for requests for "
			REQUEST_BACKEND_SILENT_MINUTES" minutes; start the "
			"timer there, or mend "MAPPING, hosts);
	}
	if (ret >= 0)
		ret = sql_check_other_keys(check->store, my_hostname, &hosts,
					   &error);
	if (ret > 0) {
		check_warning(check, "other seal keys", "%s open requests with another seal "
			"key than this host, and the portal seals to one: copy "
			"the file pymailadmin_seal_key_path from one to all "
			"others", hosts);
	}
	if (ret >= 0)
		ret = sql_check_same_backend(check->store, my_hostname, &hosts,
					     &error);
	if (ret > 0) {
		check_warning(check, "other hosts", "%s take the same mailboxes as this "
			"host: sessions there would not end when a password "
			"is changed here; give each host a "
			"pymailadmin_backend of its own, and run process on "
			"the one that serves the mailbox", hosts);
	}
}

void check_backend(struct check *check)
{
	if (check->store == NULL)
		return;
	check_own(check);
	check_others(check);
}
