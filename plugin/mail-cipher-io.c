#include "lib.h"
#include "buffer.h"
#include "file-io.h"
#include "mail-cipher-private.h"

int mail_cipher_source_read(struct mail_cipher_source *source, uoff_t offset,
			    void *data, size_t size, const char **error_r)
{
	ssize_t ret;

	ret = file_read_at(source->input->fd, data, size,
			   source->input->offset + offset);
	if (ret < 0) {
		*error_r = t_strdup_printf("pread() failed: %m");
		return -1;
	}
	if ((size_t)ret < size) {
		*error_r = "it is cut off";
		source->damaged = TRUE;
		return -1;
	}
	return 0;
}

int mail_cipher_sink_flush(struct mail_cipher_sink *sink,
			   const char **error_r)
{
	if (file_write(sink->fd, sink->buffer.data, sink->buffer.used) < 0) {
		*error_r = t_strdup_printf("write() failed: %m");
		return -1;
	}
	sink->stored_size += sink->buffer.used;
	buffer_set_used_size(&sink->buffer, 0);
	return 0;
}
