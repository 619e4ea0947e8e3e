#define _GNU_SOURCE /* memfd_create() */
#include "fuzz.h"

#include "settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/fuzz-settings-XXXXXX";

static void delete_key(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/key", folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* Any path to a "key" leads to it: with no key nothing is ever right. */
static void make_key(void)
{
	static bool made;
	char path[64];
	FILE *file;

	if (made)
		return;
	made = true;
	if (mkdtemp(folder) == NULL || atexit(delete_key) != 0 ||
	    setenv("CREDENTIALS_DIRECTORY", folder, 1) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/key", folder);
	(void)umask(077);
	file = fopen(path, "wx");
	if (file == NULL || fprintf(file, "%064d\n", 7) != 65 ||
	    fclose(file) != 0)
		abort();
}

static void count(void *context, const char *text)
{
	unsigned int *errors = context;

	if (strncmp(text, "settings(", 9) != 0)
		abort();
	(*errors)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *set;
	unsigned int errors = 0;
	char path[64];
	int fd;

	make_key();
	fd = memfd_create("settings", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	set = settings_read(path, count, &errors);
	if ((set == NULL) != (errors > 0))
		abort();
	settings_free(&set);
	(void)close(fd);
	return 0;
}
