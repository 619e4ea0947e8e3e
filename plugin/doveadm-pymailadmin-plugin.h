#ifndef DOVEADM_PYMAILADMIN_PLUGIN_H
#define DOVEADM_PYMAILADMIN_PLUGIN_H

/* Registers the commands of "doveadm pymailadmin". */

#include "pymailadmin-module.h"

struct module;

extern PYMAILADMIN_MODULE_EXPORT const char *doveadm_pymailadmin_plugin_version;

PYMAILADMIN_MODULE_EXPORT void
doveadm_pymailadmin_plugin_init(struct module *module);
PYMAILADMIN_MODULE_EXPORT void doveadm_pymailadmin_plugin_deinit(void);

#endif
