#include "views-account.h"

#include "buffer.h"

void view_qr_path(struct buffer *out, const unsigned char *qr,
		  unsigned int width)
{
	unsigned int begin;

	/* Each run of dark modules in a row is a bar. */
	for (unsigned int y = 0; y < width; y++) {
		for (unsigned int x = 0; x < width; x++) {
			if ((qr[y * width + x] & 1) == 0)
				continue;
			for (begin = x; x < width && (qr[y * width + x] & 1) != 0;)
				x++;
			buffer_printf(out, "M%u %uh%uv1h-%uz",
				      begin + VIEW_QR_MARGIN,
				      y + VIEW_QR_MARGIN, x - begin, x - begin);
		}
	}
}
