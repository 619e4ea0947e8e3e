#ifndef SERVICE_H
#define SERVICE_H

/* What systemd tells a service, and is told by it (sd_notify(3),
   sd_listen_fds(3)), without its library. Nothing happens if systemd did not
   start us. The main thread's. */

#include <stdint.h>

/* One line or more, such as "READY=1". */
void service_notify(const char *state);
/* How often systemd wants to hear "WATCHDOG=1": half of its limit, 0 for
   never. */
uint64_t service_watchdog_msecs(void);
/* How many sockets it has opened for us, from descriptor 3 on, none of which a
   child of ours gets. Asked once: the environment is cleaned. */
unsigned int service_listen_fds(void);
#define SERVICE_LISTEN_FDS_START 3

#endif
