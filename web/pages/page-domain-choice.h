#ifndef PAGE_DOMAIN_CHOICE_H
#define PAGE_DOMAIN_CHOICE_H

/* Which of the domains an account can give are given: boxes to tick and, where
   there are too many for that, a field for names. The database decides whether
   they may be. */

#include "page.h"
#include "views-join.h"

struct page_domain_choice {
	const struct view_domain_choice *rows;
	unsigned int count;
	bool has_more;
	/* Those that were chosen and have no box, with a space between. */
	const char *more;
	/* All that were chosen, as a JSON array. */
	const char *json;
};

/* With a form that was posted what it says is chosen, else what is proposed:
   names with a space between. Returns 0, or -1 with an error for
   page_failed(). */
int page_domain_choice(struct page *page, const char *proposed,
		       struct page_domain_choice *choice_r,
		       const char **error_r);

#endif
