#ifndef PYMAILADMIN_PROTOCOL_H
#define PYMAILADMIN_PROTOCOL_H

/* The protocol name of our own user lookups, by which the auth driver and the
   mail plugin let the process through that changes the keys. */
#define PYMAILADMIN_PROTOCOL "pymailadmin"

#endif
