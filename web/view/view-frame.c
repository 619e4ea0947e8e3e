#include "view-frame.h"

#include <string.h>

const char *view_frame_error(const struct view_frame *frame, const char *field)
{
	for (unsigned int i = 0; i < frame->errors_count; i++) {
		if (frame->errors[i].field != NULL &&
		    strcmp(frame->errors[i].field, field) == 0)
			return frame->errors[i].text;
	}
	return NULL;
}
