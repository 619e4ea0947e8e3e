#ifndef BROWSER_NAME_H
#define BROWSER_NAME_H

struct arena;

/* What people call a browser and the system it runs on: "Firefox, Linux", from
   a User-Agent header; NULL if nothing is known of them. In the arena. */
const char *browser_name(struct arena *arena, const char *user_agent);

#endif
