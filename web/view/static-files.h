#ifndef STATIC_FILES_H
#define STATIC_FILES_H

/* Files that pages load, compiled in. Their addresses change with their
   content, so that they may be cached for ever. Any thread. */

#include <stddef.h>

struct static_file {
	/* "/static/main-0123456789abcdef.css" */
	const char *path;
	const char *content_type;
	const void *data;
	size_t size;
	/* The same, compressed. */
	const void *gzip_data;
	size_t gzip_size;
	/* Quoted, and weak: it is that of both. */
	const char *etag;
};

extern const struct static_file static_files[];
extern const unsigned int static_files_count;

/* NULL if there is none. */
const struct static_file *static_file_find(const char *path);

#endif
