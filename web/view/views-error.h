#ifndef VIEWS_ERROR_H
#define VIEWS_ERROR_H

/* Pages that say why there is no other. */

#include "view-frame.h"

/* 400, 403, 404, 405, 413, 429, 431, 500, 503: others are shown as 400, or 500
   from there on. */
struct view_error_page {
	unsigned int status;
	/* For the administrator to find it in the log; NULL if it is not
	   there. */
	const char *request_id;
	/* 429: how long to wait; 0 if that is not known. */
	uint64_t retry_after_secs;
};
void view_error_page(struct buffer *out, const struct view_frame *frame,
		     const struct view_error_page *v);

/* 503, because too many are here at once. */
struct view_too_busy {
	uint64_t retry_after_secs;
};
void view_too_busy(struct buffer *out, const struct view_frame *frame,
		   const struct view_too_busy *v);

#endif
