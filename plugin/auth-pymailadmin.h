#ifndef AUTH_PYMAILADMIN_H
#define AUTH_PYMAILADMIN_H

/* The auth driver: passdb and userdb "pymailadmin", first of all passdbs and
   userdbs, refuse logins to a mailbox while its password is being changed, and
   while nobody can say whether it is. They know no passwords and no users:
   whom they do not refuse, the next passdb or userdb decides on. Lookups that
   are no logins, such as those of a delivery, they let through unasked. */

#include "pymailadmin-module.h"

struct module;

extern PYMAILADMIN_MODULE_EXPORT const char *authdb_pymailadmin_version;

PYMAILADMIN_MODULE_EXPORT void
authdb_pymailadmin_init(struct module *module);
PYMAILADMIN_MODULE_EXPORT void authdb_pymailadmin_deinit(void);

#endif
