#ifndef GALLERY_H
#define GALLERY_H

/* Every view with data as it could be, for tests that look at pages. */

#include "arena.h"
#include "buffer.h"
#include "views.h"

struct gallery {
	struct arena *arena;
	struct buffer out;
	struct view_frame frame;
};

struct gallery_page {
	const char *name;
	void (*render)(struct gallery *gallery);
};

extern const struct gallery_page gallery_administration_pages[];
extern const struct gallery_page gallery_domain_pages[];
extern const struct gallery_page gallery_login_pages[];
extern const struct gallery_page gallery_join_pages[];
extern const struct gallery_page gallery_list_pages[];
extern const struct gallery_page gallery_mailbox_pages[];
extern const struct gallery_page gallery_account_pages[];

/* 24 November 2026, 14:18 in Paris. */
#define GALLERY_NOW 1795526280

#define TEXT(...) \
	language_text(gallery->arena, gallery->frame.language, __VA_ARGS__)

/* Nobody is logged in. */
void gallery_log_out(struct gallery *gallery);
void gallery_notice(struct gallery *gallery, enum view_notice_kind kind,
		    const char *text);
/* field may be NULL. */
void gallery_error(struct gallery *gallery, const char *field,
		   const char *text);

#endif
