#ifndef VIEWS_ALIAS_H
#define VIEWS_ALIAS_H

/* Views of a mailbox's aliases. */

#include "view-frame.h"

/* POST /alias/add: mailbox, name. */
struct view_alias_add {
	const char *mailbox, *domain;
	/* As typed. */
	const char *name;
	unsigned int name_min, name_max;
	unsigned int aliases, aliases_max;
	/* A super admin may leave the name empty: all other addresses. */
	bool can_catch_all;
};
void view_alias_add(struct buffer *out, const struct view_frame *frame,
		    const struct view_alias_add *v);

/* POST /alias/rename: mailbox, id, name. */
struct view_alias_rename {
	const char *mailbox, *domain;
	const char *id, *address;
	/* As typed, or the name it has. */
	const char *name;
	unsigned int name_min, name_max;
};
void view_alias_rename(struct buffer *out, const struct view_frame *frame,
		       const struct view_alias_rename *v);

/* POST /alias/delete: mailbox, id. */
struct view_alias_delete {
	const char *mailbox;
	const char *id, *address;
};
void view_alias_delete(struct buffer *out, const struct view_frame *frame,
		       const struct view_alias_delete *v);

#endif
