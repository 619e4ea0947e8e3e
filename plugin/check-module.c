#include "lib.h"
#include "mmap-util.h"
#include "str.h"
#include "check-module.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ABI_MARK ".ABIv"
#define ABI_LEN_MAX 32

/* The version strings in the module: each ends with NUL, as it was compiled
   in, and begins behind one. */
static const char *find_abi(const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *p = data, *start, *stop;

	while ((p = memmem(p, end - p, ABI_MARK, strlen(ABI_MARK))) != NULL) {
		start = p;
		while (start > data && start[-1] != '\0' &&
		       p - start < ABI_LEN_MAX)
			start--;
		stop = memchr(p, '\0', I_MIN(end - p, ABI_LEN_MAX));
		if (stop != NULL && start > data && start[-1] == '\0')
			return t_strdup_until(start, stop);
		p++;
	}
	return NULL;
}

int check_module_abi(const char *path, const char **error_r)
{
	const char *abi;
	size_t size;
	void *data;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return errno == ENOENT ? 0 : -1;
	}
	data = mmap_ro_file(fd, &size);
	i_close_fd(&fd);
	if (data == MAP_FAILED) {
		*error_r = t_strdup_printf("mmap(%s) failed: %m", path);
		return -1;
	}
	abi = find_abi(data, size);
	(void)munmap(data, size);
	if (abi != NULL && strcmp(abi, DOVECOT_ABI_VERSION) == 0)
		return 1;
	*error_r = t_strdup_printf("%s is for another Dovecot (%s instead of "
		DOVECOT_ABI_VERSION")", path, abi == NULL ? "unknown" : abi);
	return 0;
}
