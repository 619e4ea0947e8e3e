#include "lib.h"
#include "mail-storage-service.h"
#include "pymailadmin-protocol.h"
#include "user-lookup.h"

int user_lookup(struct mail_storage_service_ctx *storage_service,
		struct event *event_parent, const char *username,
		struct mail_user **user_r, const char **error_r)
{
	const struct mail_storage_service_input input = {
		.event_parent = event_parent,
		.service = "doveadm",
		.protocol = PYMAILADMIN_PROTOCOL,
		.username = username,
	};
	int ret;

	ret = mail_storage_service_lookup_next(storage_service, &input, user_r,
					       error_r);
	if (ret == 0)
		*error_r = "Dovecot's userdb does not know the mailbox";
	return ret < 0 ? -1 : ret;
}
