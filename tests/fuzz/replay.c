/* Runs a fuzzer over the files of its corpus, in "make check". */

#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT (1024 * 1024)

static int replay(const char *path)
{
	static uint8_t buffer[SIZE_LIMIT];
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL) {
		perror(path);
		return -1;
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	(void)fclose(file);
	/* Of its own size, so that reading beyond it is seen. */
	data = malloc(size == 0 ? 1 : size);
	if (data == NULL)
		abort();
	memcpy(data, buffer, size);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	char folder[512], path[1024];
	const struct dirent *entry;
	unsigned int count = 0;
	DIR *dir;

	/* $srcdir may be that of this folder, or of the one above. */
	(void)snprintf(folder, sizeof(folder), "%s/corpus/" CORPUS,
		       srcdir == NULL ? "." : srcdir);
	dir = opendir(folder);
	if (dir == NULL) {
		(void)snprintf(folder, sizeof(folder), "%s/fuzz/corpus/" CORPUS,
			       srcdir == NULL ? "." : srcdir);
		dir = opendir(folder);
	}
	if (dir == NULL) {
		perror(folder);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
			       entry->d_name);
		if (replay(path) < 0)
			return 1;
		count++;
	}
	(void)closedir(dir);
	printf("%u inputs of %s\n", count, CORPUS);
	return count == 0;
}
