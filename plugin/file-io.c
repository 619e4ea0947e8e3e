#include "lib.h"
#include "file-io.h"

#include <unistd.h>

ssize_t file_read_at(int fd, void *data, size_t size, uoff_t offset)
{
	size_t done = 0;
	ssize_t ret;

	while (done < size) {
		ret = pread(fd, PTR_OFFSET(data, done), size - done,
			    (off_t)(offset + done));
		if (ret == 0)
			break;
		if (ret > 0)
			done += (size_t)ret;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)done;
}

int file_write(int fd, const void *data, size_t size)
{
	size_t done = 0;
	ssize_t ret;

	while (done < size) {
		ret = write(fd, CONST_PTR_OFFSET(data, done), size - done);
		if (ret >= 0)
			done += (size_t)ret;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

int file_write_at(int fd, const void *data, size_t size, uoff_t offset)
{
	size_t done = 0;
	ssize_t ret;

	while (done < size) {
		ret = pwrite(fd, CONST_PTR_OFFSET(data, done), size - done,
			     (off_t)(offset + done));
		if (ret >= 0)
			done += (size_t)ret;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}
