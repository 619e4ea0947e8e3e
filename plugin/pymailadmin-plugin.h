#ifndef PYMAILADMIN_PLUGIN_H
#define PYMAILADMIN_PLUGIN_H

/* The mail plugin: puts the mailbox lock and the key guard into every process
   that opens a mailbox. */

#include "pymailadmin-module.h"

struct module;

extern PYMAILADMIN_MODULE_EXPORT const char *pymailadmin_plugin_version;

PYMAILADMIN_MODULE_EXPORT void pymailadmin_plugin_init(struct module *module);
PYMAILADMIN_MODULE_EXPORT void pymailadmin_plugin_deinit(void);

#endif
