#ifndef SETUP_H
#define SETUP_H

/* The first set-up of the portal, a dialogue in the terminal of its host: the
   database as its administrator knows it, the views, the settings file, and
   last the first super admin. From then on it refuses to do anything. */

/* config_path is where the settings are to be. Returns what main() is to return
   (sysexits.h). */
int setup_run(const char *config_path);

#endif
