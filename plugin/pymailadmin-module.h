#ifndef PYMAILADMIN_MODULE_H
#define PYMAILADMIN_MODULE_H

/* Marks the few symbols a module shows to the process that loads it. */
#define PYMAILADMIN_MODULE_EXPORT __attribute__((visibility("default")))

#endif
