#ifndef FILE_IO_H
#define FILE_IO_H

/* Reading and writing as often as it takes, signals or not. */

/* Returns the bytes read, which are less than size only at the end of the file,
   or -1 on error (errno). */
ssize_t file_read_at(int fd, void *data, size_t size, uoff_t offset);
/* At the file's position. Returns 0, or -1 on error (errno). */
int file_write(int fd, const void *data, size_t size);
int file_write_at(int fd, const void *data, size_t size, uoff_t offset);

#endif
