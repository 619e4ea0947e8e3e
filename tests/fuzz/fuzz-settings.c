#define _GNU_SOURCE /* memfd_create() */
#include "fuzz.h"

#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void count(void *context, const char *text)
{
	unsigned int *errors = context;

	if (strncmp(text, "settings(", 9) != 0)
		abort();
	(*errors)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("settings", MFD_CLOEXEC);
	struct settings *set;
	unsigned int errors = 0;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	set = settings_read(path, count, &errors);
	if ((set == NULL) != (errors > 0))
		abort();
	settings_free(&set);
	(void)close(fd);
	return 0;
}
