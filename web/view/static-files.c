#include "static-files.h"

#include <string.h>

const struct static_file *static_file_find(const char *path)
{
	for (unsigned int i = 0; i < static_files_count; i++) {
		if (strcmp(static_files[i].path, path) == 0)
			return &static_files[i];
	}
	return NULL;
}
